import SystemPackage

extension LaunchPlanner {
    /// A file that the VM uses.
    private struct Use {
        var name: String
        var path: Setting<FilePath>
        var isWritten = false
        var isDisk = false
    }

    /// Refuses a file that this VM uses twice, whatever paths lead to it, if the guest writes to it.
    mutating func refuseFilesInTwoPlaces() {
        var seen: [FilePlace: [Use]] = [:]
        for use in uses {
            guard let place = facts.images[use.path.value]?.place else { continue }
            if let other = seen[place]?.first(where: { $0.isWritten || use.isWritten }) {
                refuse(use, besides: other)
            }
            seen[place, default: []].append(use)
        }
    }

    private var uses: [Use] {
        let disks = params.disks.map { disk in
            Use(name: "DISK\(disk.index)", path: disk.path, isWritten: !disk.readOnly.value, isDisk: true)
        }
        let bases = params.disks.flatMap { disk in
            disk.backing.map { Use(name: "\(KeyName(.diskBacking, disk.index))", path: $0) }
        }
        let cdroms = params.cdroms.compactMap { cdrom in
            cdrom.path.value.map { Use(name: "CDROM\(cdrom.index)", path: Setting($0, cdrom.path.origin)) }
        }
        let once = options.cdrom.map { Use(name: "--cdrom", path: Setting($0, .option("--cdrom"))) }
        let kernel = params.kernel.map { Use(name: "KERNEL", path: $0.image) }
        let initrd = params.kernel?.initrd.map { Use(name: "INITRD", path: $0) }
        return disks + bases + cdroms + [once, kernel, initrd].compactMap(\.self)
    }

    private mutating func refuse(_ use: Use, besides other: Use) {
        let isSpelled = use.path.value != other.path.value
        refuse(
            .badData, place(use.path.origin),
            "\(use.path.value) is the same file as \(other.name)\(isSpelled ? " (\(other.path.value))" : "")",
            .file(use.path.value, .usedTwice),
            remedy: use.isDisk && other.isDisk
                ? "two disks that share one file corrupt it: name another file, or set _READONLY=yes for both"
                : "the guest would write to it: name another file")
    }
}
