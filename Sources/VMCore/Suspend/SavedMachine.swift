import SystemPackage

/// What a suspended VM was, when its memory was saved: written beside the memory, and read by the start that goes on with
/// it.
package struct SavedMachine: Equatable, Sendable {
    /// Its machine.
    package var machine: GuestMachine
    /// When, in seconds since the epoch.
    package var time: Int64
    /// The file with its memory and the state of its devices, once it was complete.
    package var memory: MediumStamp
    /// The host's processor; nil if QEMU emulated one.
    package var processor: HostProcessor?
    /// Its disks and CDs, by the names that the machine gives them, once nothing wrote to them any longer.
    package var stamps: [String: MediumStamp]
    /// Its params file; nil: an earlier kvmctl has saved it.
    package var file: FilePath?

    /// Describes a saved machine; see the properties.
    package init(
        _ machine: GuestMachine, time: Int64, memory: MediumStamp, processor: HostProcessor?,
        stamps: [String: MediumStamp], file: FilePath? = nil
    ) {
        (self.machine, self.time, self.memory) = (machine, time, memory)
        (self.processor, self.stamps, self.file) = (processor, stamps, file)
    }
}

/// What shows that a file, or a disk, was written to.
///
/// Not the file's number: a VM that was moved elsewhere with its disks, times included, can go on.
package struct MediumStamp: Equatable, Sendable {
    /// Its size in bytes.
    package var size: Int64
    /// When it was last written to, in nanoseconds since the epoch; nil for a block device, of which nothing tells that.
    package var modified: Int64?

    /// Describes a medium; see the properties.
    package init(size: Int64, modified: Int64?) { (self.size, self.modified) = (size, modified) }
}

/// The host's processor, as far as KVM gives it to guests.
package struct HostProcessor: Equatable, Sendable {
    /// Its name.
    package var model: String
    /// What it can do, in the kernel's words.
    package var flags: [String]

    /// Describes a processor; see the properties.
    package init(model: String, flags: [String]) { (self.model, self.flags) = (model, flags) }
}

// As JSON.
extension GuestMachine {
    /// The version of the members; another one is not read.
    fileprivate static let format: Int64 = 3

    /// The members of the file.
    package var json: [String: JSON] {
        [
            "version": .integer(Self.format), "uuid": .string(uuid), "qemuVersion": .string(version),
            "accelerator": .string(accelerator),
            "cdrom": .optional(cdrom?.string), "bootsCDROM": .bool(bootsCDROM),
            "parts": .array(parts.map { ["name": .string($0.name), "words": .array($0.words.map(JSON.string))] }),
            "media": .array(media.map { ["name": .string($0.name), "path": .string($0.path.string)] }),
            "devices": .array(devices.map(JSON.string)), "nodes": .array(nodes.map(JSON.string)),
        ]
    }

    /// Reads them; nil if one is missing.
    package init?(_ json: JSON) {
        guard json["version"]?.integer == Self.format, let uuid = json["uuid"]?.string,
            let version = json["qemuVersion"]?.string,
            let accelerator = json["accelerator"]?.string, let bootsCDROM = json["bootsCDROM"]?.bool,
            let parts = json["parts"]?.array, let media = json["media"]?.array, let devices = json["devices"]?.array,
            let nodes = json["nodes"]?.array
        else { return nil }
        self.init(
            uuid: uuid, version: version, accelerator: accelerator, cdrom: json["cdrom"]?.absolutePath,
            bootsCDROM: bootsCDROM)
        self.parts = parts.compactMap { part in
            guard let name = part["name"]?.string, let words = part["words"]?.array else { return nil }
            return Part(name: name, words: words.compactMap(\.string))
        }
        self.media = media.compactMap { medium in
            guard let name = medium["name"]?.string, let path = medium["path"]?.absolutePath else { return nil }
            return Medium(name: name, path: path)
        }
        self.devices = devices.compactMap(\.string)
        self.nodes = nodes.compactMap(\.string)
    }
}

extension SavedMachine {
    /// The content of the file.
    package var text: String {
        let own: [String: JSON] = [
            "time": .integer(time), "memory": memory.json,
            "processor": processor?.json ?? .null, "stamps": .object(stamps.mapValues(\.json)),
            "file": .optional(file?.string),
        ]
        return JSON.object(machine.json.merging(own) { one, _ in one }).prettyText + "\n"
    }

    /// Why a file can't be used.
    package enum Fault: Error {
        /// It is not what kvmctl writes.
        case malformed
        /// It was written by another version of kvmctl.
        case version(Int64)
    }

    /// Reads the content of the file.
    package init(parsing bytes: [UInt8]) throws(Fault) {
        guard let json = try? JSON(parsing: bytes), let version = json["version"]?.integer else { throw .malformed }
        guard version == GuestMachine.format else { throw .version(version) }
        guard let machine = GuestMachine(json), let time = json["time"]?.integer,
            let memory = json["memory"].flatMap({ MediumStamp($0) }), case .object(let stamps)? = json["stamps"]
        else { throw .malformed }
        self.init(
            machine, time: time, memory: memory, processor: json["processor"].flatMap { HostProcessor($0) },
            stamps: stamps.compactMapValues { MediumStamp($0) }, file: json["file"]?.absolutePath)
    }
}

extension MediumStamp {
    fileprivate var json: JSON {
        ["size": .integer(size), "modifiedNanoseconds": modified.map(JSON.integer) ?? .null]
    }

    fileprivate init?(_ json: JSON) {
        guard let size = json["size"]?.integer else { return nil }
        self.init(size: size, modified: json["modifiedNanoseconds"]?.integer)
    }
}

extension HostProcessor {
    fileprivate var json: JSON { ["model": .string(model), "flags": .array(flags.map(JSON.string))] }

    fileprivate init?(_ json: JSON) {
        guard let model = json["model"]?.string, let flags = json["flags"]?.array else { return nil }
        self.init(model: model, flags: flags.compactMap(\.string))
    }
}
