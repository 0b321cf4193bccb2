import BridgeNet
import SystemPackage

/// What a VM is, as its file defines it or as it runs: the one description from which the manifest, `list`, `show` and the
/// checks of other VMs are made.
///
/// A new key that they tell of is added here, and nowhere else in between.
package struct VMDescription: Equatable, Sendable {
    /// Its name.
    package var name: VMName
    /// Its UUID, in lower case; nil if the file leaves it to the start.
    package var uuid: String? {
        get { id?.description }
        set { id = newValue.flatMap { UUID($0) } }
    }
    // Its text takes as long as decoding the rest of a file, and a list of VMs does not show it.
    private var id: UUID?
    /// The params file, absolute.
    package var file: FilePath
    /// `DESCRIPTION`: for people.
    package var note: String?
    /// `TAGS`.
    package var tags: [String]
    /// `PROTECT`: whether what ends or removes it has to be forced.
    package var isProtected: Bool
    /// `TEMPLATE`: whether it is never started.
    package var isTemplate = false
    /// `MEMORY`.
    package var memory: ByteCount
    /// `CPUS`.
    package var cpus: Int
    /// `kvm` or `tcg`; nil until it is started.
    package var accelerator: String?
    /// `CPUSET`, as in vm.params; nil: it may use all of the host's CPUs.
    package var cpuSet: String?
    /// Its VNC server; nil: none.
    package var vnc: VNC?
    /// Its network cards.
    package var nics: [NIC]
    /// The host ports that are forwarded to the guest.
    package var forwards: [PortForward]
    /// The paths of its disks and CDs.
    package var media: [FilePath]
    /// `CONSOLE_LOG`.
    package var consoleLog: ByteCount
    /// The instance that the guest's cloud-init is told it is; nil: it gets no seed, or does not run.
    package var instanceID: String?
    /// What its file said when it was started, or what it has been given since, as the text of a params file; nil if it does
    /// not run, or an earlier version of kvmctl has started it.
    package var given: String?

    /// A VNC server.
    package struct VNC: Equatable, Sendable {
        /// The host's address, a literal without brackets.
        package var address: String
        /// The TCP port; nil: not known until it runs (`auto`).
        package var port: VNCPort?
        /// Whether it asks for a password.
        package var hasPassword: Bool
    }

    /// A network card.
    package struct NIC: Equatable, Sendable {
        /// The n of `NETn`.
        package var index: Int
        /// What it is connected to.
        package var network: Network
        /// Its MAC address; nil if it is derived only at start.
        package var mac: MACAddress?
        /// Its tap or macvtap, while it runs.
        package var tap: String?
        /// Its IP address on kvmctl's own network, while it runs.
        package var address: String?
        /// Its other settings.
        package var settings = NICSettings()
    }

    /// The VM that a params file defines.
    package init(_ params: VMParams) {
        name = params.name.value
        id = params.uuid?.value
        file = params.file
        note = params.description?.value
        tags = params.tags?.value ?? []
        isProtected = params.protect.value
        isTemplate = params.template.value
        cpuSet = params.cpuSet?.value.description
        memory = params.memory.value
        cpus = params.cpus.value
        let port: VNCPort? =
            if case .number(let display) = params.vnc.display.value { VNCPort(display: display) } else { nil }
        if params.vnc.display.value != .none {
            vnc = VNC(address: params.vnc.bind.value, port: port, hasPassword: params.vnc.hasPassword)
        }
        nics = params.nics.map {
            NIC(index: $0.index, network: $0.network.value, mac: $0.mac?.value, settings: NICSettings($0))
        }
        forwards = params.forwards.map(\.value)
        media = params.disks.map(\.path.value) + params.cdroms.compactMap(\.path.value)
        consoleLog = params.consoleLog.value
    }

    /// What it has of a key that its file may leave out, and that is derived then; nil for other keys.
    package func derived(_ key: KeyName) -> String? {
        switch key.key {
        case .name: name.description
        case .uuid: uuid
        case .netMAC: nics.first { $0.index == key.index }?.mac?.description
        default: nil
        }
    }

    /// Forgets what it had only while it ran.
    package mutating func hasEnded() {
        (accelerator, instanceID, given) = (nil, nil, nil)
        for index in nics.indices { (nics[index].tap, nics[index].address) = (nil, nil) }
    }
}

// As JSON, in the manifest.
extension VMDescription {
    /// The members of the manifest.
    package var json: [String: JSON] {
        [
            "name": .string(name.description), "uuid": .optional(uuid), "file": .string(file.string),
            "description": .optional(note), "tags": .array(tags.map(JSON.string)), "protected": .bool(isProtected),
            "cpuSet": .optional(cpuSet), "memoryBytes": .integer(memory.bytes), "cpus": .integer(Int64(cpus)),
            "accelerator": .optional(accelerator), "vnc": vnc?.json ?? .null, "nics": .array(nics.map(\.json)),
            "forwards": .array(forwards.map { .string($0.description) }),
            "media": .array(media.map { .string($0.string) }), "consoleLogBytes": .integer(consoleLog.bytes),
            "instanceID": .optional(instanceID), "given": .optional(given),
        ]
    }

    /// Parses them. Another user may have written them, so whatever is not valid is missing.
    ///
    /// - Returns: nil if something is missing that every running VM has.
    package init?(_ json: JSON) {
        guard let name = json["name"]?.string.flatMap({ VMName($0) }),
            let id = json["uuid"]?.string.flatMap({ UUID($0) }),
            let file = json["file"]?.absolutePath, let memory = json["memoryBytes"]?.integer, memory >= 0,
            let cpus = json["cpus"]?.integer(in: 1...Int(UInt16.max)), let accelerator = json["accelerator"]?.string
        else { return nil }
        (self.name, self.id, self.file) = (name, id, file)
        note = json["description"]?.string
        tags = (json["tags"]?.array ?? []).compactMap(\.string)
        isProtected = json["protected"]?.bool ?? false
        cpuSet = json["cpuSet"]?.string
        self.memory = ByteCount(bytes: memory)
        (self.cpus, self.accelerator) = (cpus, accelerator)
        vnc = VNC(json["vnc"], of: json)
        nics = (json["nics"]?.array ?? []).compactMap { NIC($0) }
        forwards = (json["forwards"]?.array ?? []).compactMap(\.string).compactMap { try? ParamsDecoder.forward($0) }
        media = (json["media"]?.array ?? []).compactMap(\.absolutePath)
        // Earlier versions of kvmctl, whose VMs may still run, did not tell it.
        consoleLog = ByteCount(
            bytes: max(LogLimit.smallest.bytes, json["consoleLogBytes"]?.integer ?? LogLimit.standard))
        instanceID = json["instanceID"]?.string
        given = json["given"]?.string
    }
}

extension VMDescription.VNC {
    fileprivate var json: JSON {
        [
            "address": .string(address), "port": port.map { .integer(Int64($0.number)) } ?? .null,
            "hasPassword": .bool(hasPassword),
        ]
    }

    /// - Parameter manifest: the manifest. Earlier versions of kvmctl, whose VMs may still run, told there whether there is a
    ///   server and whether it asks for a password.
    fileprivate init?(_ json: JSON?, of manifest: JSON) {
        let address = json?["address"]?.string
        guard let address = address ?? (manifest["hasVNC"]?.bool == true ? "127.0.0.1" : nil) else { return nil }
        let port = json?["port"]?.integer.flatMap { VNCPort($0) }
        let hasPassword = json?["hasPassword"]?.bool ?? manifest["hasVNCPassword"]?.bool ?? false
        self.init(address: address, port: port, hasPassword: hasPassword)
    }
}

extension VMDescription.NIC {
    fileprivate var json: JSON {
        [
            "index": .integer(Int64(index)), "network": .string(network.description),
            "mac": .optional(mac?.description), "tap": .optional(tap), "address": .optional(address),
            "settings": settings.json,
        ]
    }

    fileprivate init?(_ json: JSON) {
        guard let index = json["index"]?.integer(in: 0...Int(UInt8.max)),
            let mac = json["mac"]?.string.flatMap({ MACAddress($0) }),
            case .network(let network)? = json["network"]?.string.flatMap({ try? ParamsDecoder.network($0) })
        else { return nil }
        self.init(
            index: index, network: network, mac: mac, tap: json["tap"]?.string, address: json["address"]?.string,
            settings: NICSettings(json["settings"]))
    }
}

extension NICSettings {
    fileprivate var json: JSON {
        [
            "queues": .integer(Int64(queues)), "vlans": .optional(vlans),
            "rate": rate.map(JSON.integer) ?? .null, "filter": .optional(filter),
            "model": .string(model.rawValue),
        ]
    }

    fileprivate init(_ json: JSON?) {
        self.init()
        queues = json?["queues"]?.integer(in: 1...Int(UInt16.max)) ?? 1
        vlans = json?["vlans"]?.string
        rate = json?["rate"]?.integer.flatMap { BitRate.range.contains(BitRate(bitsPerSecond: $0)) ? $0 : nil }
        filter = json?["filter"]?.string
        model = json?["model"]?.string.flatMap { NICModel(rawValue: $0) } ?? .virtio
    }
}

extension JSON {
    /// A string that is an absolute path that Linux accepts: no NUL, and at most 4095 bytes (PATH_MAX of limits.h, less
    /// the NUL). Checked before making a FilePath, which takes quadratic time.
    var absolutePath: FilePath? {
        guard let text = string, text.utf8.count < 4096, text.utf8.first == UInt8(ascii: "/"),
            !text.utf8.contains(0)
        else { return nil }
        return FilePath(text)
    }
}
