import SystemPackage

/// A machine as its guest sees it, as far as a start decides that: what a saved state has to find again.
///
/// The host's side is not in it. A guest goes on when its bridge, its display or the cache of a disk has changed.
/// A CD drive is a part of it, whatever is in there; its medium is told apart.
package struct GuestMachine: Equatable, Sendable {
    /// Words of QEMU's command line that come from one place.
    package struct Part: Equatable, Sendable {
        /// The key that they come from, such as `MEMORY`; for what no key changes, what it is.
        package var name: String
        /// The words.
        package var words: [String]
    }

    /// A disk or CD.
    package struct Medium: Equatable, Sendable {
        /// The key or option that names it: `DISK0`, `--cdrom`; and which one from below, if it names
        /// several: `DISK0_BACKING (2)`.
        package var name: String
        /// Its path.
        package var path: FilePath
    }

    /// The VM's UUID, in lower case.
    package var uuid: String
    /// QEMU's version, such as `7.2.22`; empty: QEMU was not asked.
    package var version: String
    /// `kvm` or `tcg`.
    package var accelerator: String
    /// An ISO for that start only.
    package var cdrom: FilePath?
    /// Whether the machine was to boot it.
    package var bootsCDROM: Bool
    /// What it is made of.
    package var parts: [Part] = []
    /// Its disks, and the CDs that are in its drives.
    package var media: [Medium] = []
    /// The ids of its devices, those of `QEMUARGn` excepted.
    package var devices: [String] = []
    /// The names of its disks' block nodes, likewise.
    package var nodes: [String] = []
}

extension LaunchPlan {
    /// What the guest will see of it.
    package var guestMachine: GuestMachine {
        var machine = GuestMachine(
            uuid: uuid.description, version: qemuVersion, accelerator: vm.accelerator ?? "",
            cdrom: cdrom?.path, bootsCDROM: cdrom?.isBooted ?? false)
        for group in arguments { machine.add(group, machineType: machineType) }
        return machine
    }
}

extension GuestMachine {
    /// The options that a guest can tell, besides devices and disks, by the keys that set them.
    private static let options = [
        "-machine": "MACHINE", "-accel": "the accelerator", "-cpu": "CPU", "-smp": "CPUS", "-m": "MEMORY",
        "-rtc": "RTC", "-boot": "BOOT", "-uuid": "UUID",
    ]

    /// QEMU's name of the device that tells a guest that it is a copy.
    static let generationID = "vmgenid"

    /// Whether it has that.
    package var hasGenerationID: Bool { parts.contains { $0.words.contains { $0.hasPrefix("\(Self.generationID),") } } }

    fileprivate mutating func add(_ group: ArgumentGroup, machineType: String) {
        let name = group.name
        let isExtra = group.origins.contains(where: \.isExtra)
        for argument in group.arguments {
            switch argument {
            case .words(let words) where isExtra: add(words, to: name)
            case .words(let words) where words.first == "-machine":
                // `q35` is another machine with another QEMU.
                let rest = words.dropFirst().flatMap { $0.split(separator: ",").dropFirst().map(String.init) }
                add(["-machine", ([machineType] + rest).joined(separator: ",")], to: "MACHINE")
            case .words(let words):
                if let key = words.first.flatMap({ Self.options[$0] }) { add(words, to: key) }
                // Of the devices, this alone is said in words: it is on no bus.
                if words.last?.hasPrefix("\(Self.generationID),") == true { add(words, to: name) }
            case .component(let component): add(component, to: name)
            }
        }
    }

    private mutating func add(_ component: Component, to name: String) {
        switch component {
        // It has no state, and once the firmware has run nothing asks for it: a VM goes on without, or with one.
        case .device(let device) where device.driver == Device.firmwarePort: break
        case .device(let device):
            if let id = device.id { devices.append(id) }
            add(["-device", device.withoutDisc.argument], to: name)
        case .node(let node) where node.isOfDisc: break
        case .node(let node):
            nodes.append(node.name)
            add(node.guestWords, to: name)
        case .descriptors(let set):
            guard case .image(let path, _, _) = set.role else { break }
            // One line may name several images, the lowest of which QEMU is told first.
            let number = media.count { $0.name == name || $0.name.hasPrefix("\(name) ") } + 1
            media.append(Medium(name: number == 1 ? name : "\(name) (\(number))", path: path))
        case .object, .backend: break
        }
    }

    private mutating func add(_ words: [String], to name: String) {
        guard !words.isEmpty else { return }
        if let index = parts.firstIndex(where: { $0.name == name }) {
            parts[index].words += words
        } else {
            parts.append(Part(name: name, words: words))
        }
    }

    /// The machine with what is in its CD drives by now.
    ///
    /// - Parameter noted: The paths that may be in there. QEMU's word alone does not count: a guest may have taken it over,
    ///   and root would open what it names.
    /// - Throws: why its next start could not put that in.
    package func withDiscs(of hardware: RunningHardware, noted: [FilePath]) throws(DriveObstacle) -> GuestMachine {
        var machine = self
        for drive in hardware.drives where devices.contains(drive.id) {
            let name = drive.key?.description ?? nameOfStartsCD
            machine.media.removeAll { $0.name == name }
            if drive.medium == nil {
                if drive.key == nil { throw .startsDriveIsEmpty }
                continue
            }
            guard let disc = hardware.medium(of: drive), noted.contains(disc) else { throw .unknown(drive) }
            machine.media.append(Medium(name: name, path: disc))
            if drive.key == nil { machine.cdrom = disc }
        }
        return machine
    }

    /// Why a start can't put into a drive what is in there.
    package enum DriveObstacle: Error, Equatable {
        /// The drive of `start --cdrom` is empty, and there is no option for that.
        case startsDriveIsEmpty
        /// It is not known what is in it.
        case unknown(RunningHardware.Drive)
    }

    /// What names the ISO of that start.
    private var nameOfStartsCD: String {
        media.first { $0.path == cdrom && !$0.name.hasPrefix("CDROM") }?.name ?? "--cdrom"
    }

    /// Whether words of `QEMUARGn` may have made something of this name.
    package func mayBeExtra(_ id: String) -> Bool {
        parts.contains { part in
            part.name.hasPrefix("QEMUARG") && part.words.contains { $0.contains(id) }
        }
    }
}

extension ArgumentGroup {
    /// The key or option that it comes from; else what it is for.
    fileprivate var name: String {
        for origin in origins {
            switch origin {
            case .line(_, let key), .included(_, _, let key), .standard(let key): return key.description
            case .option(let option): return option
            case .everyVM, .derived, .host: continue
            }
        }
        return purpose
    }
}

extension Origin {
    /// Whether it is a `QEMUARGn`, of which only QEMU knows what it does.
    fileprivate var isExtra: Bool {
        switch self {
        case .line(_, let key), .included(_, _, let key): key.key == .qemuArgument
        case .standard, .everyVM, .derived, .option, .host: false
        }
    }
}

extension BlockNode {
    /// What the guest can tell of it.
    fileprivate var guestWords: [String] {
        let format: [String] =
            switch driver {
            case .raw: ["raw"]
            case .qcow2: ["qcow2"]
            case .file: isReadOnly == true ? ["read-only"] : []
            case .throttle: []
            }
        return format
    }
}
