import BridgeNet
import FoundationEssentials
import SystemPackage

/// What a VM was started as: written into its run-time directory before it runs, so that others can describe it without
/// asking QEMU. Believed only while the VM's lock is held.
struct Manifest: Codable, Equatable {
    var name: String
    var uuid: String
    /// The params file, absolute.
    var file: String
    var memoryBytes: Int64
    var cpus: Int
    var accelerator: String
    /// The VNC server, where there is one.
    var vnc: VNC?
    var nics: [NIC]
    var media: [String]
    var qemu: String
    var qemuArguments: [String]
    /// Whether QEMU took kvmctl's place, and commits its start by itself.
    var foreground: Bool

    struct VNC: Codable, Equatable {
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

    struct NIC: Codable, Equatable {
        var index: Int
        var mac: String
        /// As in vm.params: `bridge:br0`, `user`.
        var network: String
        /// The tap, where there is one.
        var tap: String?
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
        if case .number(let display) = summary.vncDisplay {
            vnc = VNC(address: summary.vncBind, port: 5900 + display)
        }
        nics = summary.nics.map {
            NIC(index: $0.index, mac: $0.mac.description, network: $0.network.description, tap: nil)
        }
        media = summary.media.map(\.string)
        qemu = plan.executable
        qemuArguments = plan.argumentVector
    }

    /// Reads a manifest; nil where there is none, or none that can be understood.
    init?(reading path: FilePath) {
        guard let bytes = try? readFile(path),
            let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(bytes))
        else { return nil }
        self = manifest
    }

    /// The VNC server; of a VM in the foreground, which chose its display with nobody there, as the record has it.
    func display(in place: Paths) -> VNC? {
        guard vnc == nil, foreground, let name = VMName(name) else { return vnc }
        return FlightRecord.vncServer(in: place.record(name)).flatMap(VNC.init)
    }

    func write(to directory: RuntimeDirectory) throws(VMError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        guard let data = try? encoder.encode(self) else {
            throw VMError(.bug, directory.manifestFile.string, "can't be encoded")
        }
        do throws(Errno) {
            try replaceFile(
                directory.manifestFile, with: Array(data), permissions: 0o640, group: Accounts.lookers)
        } catch {
            throw .system(error, directory.manifestFile.string, "can't be written")
        }
    }
}

extension Network: CustomStringConvertible {
    /// As in vm.params.
    public var description: String {
        switch self {
        case .bridge(let name): "bridge:\(name)"
        case .user: "user"
        }
    }
}
