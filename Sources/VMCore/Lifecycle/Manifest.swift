import BridgeNet
import FoundationEssentials
import SystemPackage

/// What a VM was started as: written into its run-time directory before it runs, so that others can describe it without
/// asking QEMU. Believed only while the VM's lock is held.
struct Manifest: Equatable {
    var name: String
    var uuid: String
    /// The params file, absolute.
    var file: String
    var memoryBytes: Int64
    var cpus: Int
    var accelerator: String
    /// The VNC server, where there is one, and where it is known where it listens.
    var vnc: VNC?
    /// Whether there is one.
    var hasVNC: Bool
    /// Whether it asks for a password.
    var hasVNCPassword: Bool
    var nics: [NIC]
    var forwards: [PortForward]
    var media: [String]
    /// Whether QEMU took kvmctl's place, and commits its start by itself.
    var foreground: Bool

    struct VNC: Equatable {
        var address: String
        var port: Int

        init(address: String, port: Int) {
            self.address = address
            self.port = port
        }

        /// Takes the address from what `query-vnc` returned.
        init?(_ answer: JSON) {
            guard let host = answer["host"]?.string, let port = answer["service"]?.string.flatMap({ Int($0) }) else {
                return nil
            }
            self.init(address: host, port: port)
        }
    }

    struct NIC: Equatable {
        var index: Int
        var mac: String
        /// As in vm.params: `bridge:br0`, `user`.
        var network: String
        /// The tap or macvtap, where there is one.
        var tap: String?
        /// The address that a network of ours gave it, where there is one.
        var address: String?
        /// What else it was told.
        var settings = NICSettings()
    }

    init(_ plan: LaunchPlan, foreground: Bool) {
        self.foreground = foreground
        let summary = plan.summary
        name = plan.name.description
        uuid = plan.uuid.uuidString.lowercased()
        file = plan.file.string
        memoryBytes = summary.memory.bytes
        cpus = summary.cpus
        accelerator = summary.accelerator
        hasVNC = summary.vncDisplay != .none
        hasVNCPassword = summary.vncHasPassword
        if case .number(let display) = summary.vncDisplay {
            vnc = VNC(address: summary.vncBind, port: 5900 + display)
        }
        nics = summary.nics.map {
            NIC(
                index: $0.index, mac: $0.mac.description, network: $0.network.description, tap: nil,
                settings: $0.settings)
        }
        forwards = summary.forwards
        media = summary.media.map(\.string)
    }

    /// Reads a manifest; nil where there is none, or none that can be understood.
    init?(reading path: FilePath) {
        guard let bytes = try? readOwnFile(path), let json = try? JSON(parsing: bytes) else { return nil }
        self.init(json)
    }

    /// The VNC server; of a VM in the foreground, which chose its display with nobody there, as the record has it.
    func display(in place: Paths) -> VNC? {
        guard vnc == nil, foreground, let name = VMName(name) else { return vnc }
        return FlightRecord.vncServer(in: place.record(name)).flatMap(VNC.init)
    }

    /// The host's ports that it listens on.
    func ports(in place: Paths) -> [HostPort] {
        let vnc = display(in: place).map { HostPort(.tcp, $0.address, UInt16(clamping: $0.port)) }
        return forwards.map(\.hostEnd) + [vnc].compactMap(\.self)
    }

    func write(to directory: RuntimeDirectory) throws(VMError) {
        do throws(Errno) {
            try replaceFile(
                directory.manifestFile, with: Array((json.prettyText + "\n").utf8), permissions: 0o640,
                group: Accounts.lookers)
        } catch {
            throw .system(error, name, "\(directory.manifestFile) can't be written")
        }
    }
}

extension Manifest {
    /// As it is in the file.
    private var json: JSON {
        [
            "name": .string(name), "uuid": .string(uuid), "file": .string(file), "memoryBytes": .integer(memoryBytes),
            "cpus": .integer(Int64(cpus)), "accelerator": .string(accelerator), "foreground": .bool(foreground),
            "vnc": vnc.map { ["address": .string($0.address), "port": .integer(Int64($0.port))] } ?? .null,
            "hasVNC": .bool(hasVNC), "hasVNCPassword": .bool(hasVNCPassword),
            "media": .array(media.map(JSON.string)), "forwards": .array(forwards.map { .string($0.description) }),
            "nics": .array(
                nics.map { nic in
                    [
                        "index": .integer(Int64(nic.index)), "mac": .string(nic.mac), "network": .string(nic.network),
                        "tap": nic.tap.map(JSON.string) ?? .null,
                        "address": nic.address.map(JSON.string) ?? .null, "settings": nic.settings.json,
                    ]
                }),
        ]
    }

    private init?(_ json: JSON) {
        guard let name = json["name"]?.string, let uuid = json["uuid"]?.string, let file = json["file"]?.string,
            let memoryBytes = json["memoryBytes"]?.integer, let cpus = json["cpus"]?.integer,
            let accelerator = json["accelerator"]?.string, let foreground = json["foreground"]?.bool
        else { return nil }
        self.name = name
        self.uuid = uuid
        self.file = file
        self.memoryBytes = memoryBytes
        self.cpus = Int(cpus)
        self.accelerator = accelerator
        self.foreground = foreground
        if let address = json["vnc"]?["address"]?.string, let port = json["vnc"]?["port"]?.integer {
            vnc = VNC(address: address, port: Int(port))
        }
        hasVNC = json["hasVNC"]?.bool ?? (vnc != nil)
        hasVNCPassword = json["hasVNCPassword"]?.bool ?? false
        media = (json["media"]?.array ?? []).compactMap(\.string)
        forwards = (json["forwards"]?.array ?? []).compactMap(\.string).compactMap { try? ParamsDecoder.forward($0) }
        nics = (json["nics"]?.array ?? []).compactMap { nic in
            guard let index = nic["index"]?.integer, let mac = nic["mac"]?.string, let network = nic["network"]?.string
            else { return nil }
            return NIC(
                index: Int(index), mac: mac, network: network, tap: nic["tap"]?.string, address: nic["address"]?.string,
                settings: NICSettings(nic["settings"]))
        }
    }
}

extension NICSettings {
    fileprivate var json: JSON {
        [
            "queues": .integer(Int64(queues)), "vlans": vlans.map(JSON.string) ?? .null,
            "rate": rate.map(JSON.integer) ?? .null, "filter": filter.map(JSON.string) ?? .null,
        ]
    }

    fileprivate init(_ json: JSON?) {
        queues = json?["queues"]?.integer.flatMap { Int(exactly: $0) } ?? 1
        vlans = json?["vlans"]?.string
        rate = json?["rate"]?.integer
        filter = json?["filter"]?.string
    }
}
