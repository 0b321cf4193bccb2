import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// What `show` tells of a VM besides what `list` does: for this its disks and its process are looked at.
package struct VMDetails: Sendable {
    /// A disk or a CD.
    package struct Medium: Equatable, Sendable {
        /// `DISKn` or `CDROMn`; nil: it has none, as with `start --cdrom`, or that is not known.
        package var key: String?
        /// Its path.
        package var path: FilePath
        /// The image's format.
        package var format: DiskFormat
        /// What the guest sees; nil: not known.
        package var size: ByteCount?
        /// What it takes of the host's file system; nil: not known, or a device.
        package var allocated: ByteCount?
        /// The images that it stands on, the nearest first.
        package var backing: [FilePath]

        package init(
            key: String?, path: FilePath, format: DiskFormat, size: ByteCount? = nil, allocated: ByteCount? = nil,
            backing: [FilePath] = []
        ) {
            (self.key, self.path, self.format, self.size, self.allocated) = (key, path, format, size, allocated)
            self.backing = backing
        }
    }

    /// What `suspend` saved of a VM.
    package struct Suspension: Equatable, Sendable {
        /// The file with its memory.
        package var memory: FilePath
        /// The size of that.
        package var size: ByteCount
        /// When it was saved.
        package var at: Moment

        package init(memory: FilePath, size: ByteCount, at: Moment) {
            (self.memory, self.size, self.at) = (memory, size, at)
        }
    }

    /// Its disks and CDs.
    package var media: [Medium]
    /// Its kernel, if its file names one.
    package var kernel: VMParams.DirectKernel?
    /// What its guest's cloud-init is given.
    package var cloudInit: VMParams.CloudInit?
    /// The directories that it shares with the guest.
    package var shares: [VMParams.Share]
    /// The keys of those whose server has ended.
    package var endedShares: [KeyName] = []
    /// What its process uses; nil: it has none, or that is not known.
    package var usage: ProcessUsage?
    /// Whether it runs in a QEMU that kvmctl did not start.
    package var isAdopted: Bool
    /// How it starts with the host, as its file says now; nil: the file can't be read.
    package var service: ServiceParams?
    /// What the next start goes on with; nil: nothing, or that is not known.
    package var suspension: Suspension?

    package init(
        media: [Medium], kernel: VMParams.DirectKernel? = nil, shares: [VMParams.Share] = [],
        usage: ProcessUsage? = nil, isAdopted: Bool = false, suspension: Suspension? = nil
    ) {
        (self.media, self.kernel, self.shares) = (media, kernel, shares)
        (self.usage, self.isAdopted, self.suspension) = (usage, isAdopted, suspension)
    }
}

extension Machine {
    /// Looks at its disks and its process.
    package func details(of entry: VMEntry) -> VMDetails {
        let given = given(by: entry)
        let params = given ?? (try? VMFile.glance(at: file))
        let media = media(of: entry, params)
        var details = VMDetails(
            media: media, kernel: params?.kernel, shares: params?.shares ?? [],
            usage: entry.process.flatMap { ProcessUsage(of: $0) },
            isAdopted: entry.process != nil && directory.isAdopted,
            suspension: entry.state == .suspended ? suspension : nil)
        details.cloudInit = params?.cloudInit
        details.endedShares = site.endedShares(of: entry)
        details.service = (given == nil ? params : try? VMFile.glance(at: file))?.service
        return details
    }

    /// What a VM was given that runs, whatever its file says by now; nil: it does not run, or that is not known.
    func given(by entry: VMEntry) -> VMParams? {
        let given = entry.state.isAlive ? entry.vm?.given : nil
        return given.flatMap { VMParams.parse(Array($0.utf8), file: file).params }
    }

    /// Its disks and CDs.
    ///
    /// - Parameter params: What it was given, or what its file says.
    func media(of entry: VMEntry, _ params: VMParams?) -> [VMDetails.Medium] {
        var media = (entry.vm?.media ?? []).map { path in
            var medium = VMDetails.Medium(key: nil, path: path, format: .raw)
            if let disk = params?.disks.first(where: { $0.path.value == path }) {
                medium.key = "DISK\(disk.index)"
                medium.format = disk.format?.value ?? .raw
                medium.backing = disk.backing.map(\.value)
            } else if let disc = params?.cdroms.first(where: { $0.path.value == path }) {
                medium.key = "CDROM\(disc.index)"
            }
            medium.measure()
            return medium
        }
        if entry.state.isAlive, entry.isAsked, media.contains(where: { $0.key == nil }) { nameAttached(&media) }
        return media
    }

    /// Asks QEMU where the media are that it was not started with.
    private func nameAttached(_ media: inout [VMDetails.Medium]) {
        let deadline = Deadline(in: .seconds(2))
        let found = try? talk { session throws(MonitorSession.Failure) in try session.hardware(by: deadline) }
        guard let found, !directory.isAdopted else { return }
        for index in media.indices where media[index].key == nil {
            if let disk = found.disk(with: media[index].path) {
                media[index].key = disk.uppercased()
            } else if let drive = found.drives.first(where: { found.medium(of: $0) == media[index].path }) {
                media[index].key = drive.key?.description
            }
        }
    }

    private var suspension: VMDetails.Suspension? {
        let files = StateFiles(of: self)
        guard let trust = try? ownersTrust(), let saved = try? files.read(trust) else { return nil }
        return VMDetails.Suspension(
            memory: files.memory, size: ByteCount(bytes: saved.memory.size),
            at: Moment(microseconds: saved.time * 1_000_000))
    }
}

extension VMDetails.Medium {
    /// Looks how big it is. A file system that does not answer, or a file that may not be read, leaves it unknown.
    fileprivate mutating func measure() {
        guard let found = try? status(of: path), found.st_mode & S_IFMT == S_IFREG else { return }
        allocated = ByteCount(bytes: Int64(found.st_blocks) * 512)
        switch format {
        case .raw: size = ByteCount(bytes: Int64(found.st_size))
        case .qcow2:
            guard let file = try? OwnedDescriptor.anyonesRegular(path),
                let head = try? readBytes(of: file.rawValue, at: 0, count: 32)
            else { return }
            size = QCOW2Header.virtualSize(in: head)
        }
    }
}
