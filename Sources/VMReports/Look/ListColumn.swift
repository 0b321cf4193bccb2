import BridgeNet
import SystemPackage
import VMCore
import VMHost
import VMLife

extension ListColumn {
    /// What is in it for a VM.
    ///
    /// - Parameter age: How long its process has been running.
    func text(of entry: VMEntry, age: Duration?) -> String {
        switch self {
        case .name: entry.name
        case .state: entry.state.rawValue
        case .memory: entry.memoryText
        case .cpus: entry.cpusText
        case .vnc: entry.vncText
        case .address: entry.addressText
        case .nics: entry.nicsText
        case .uptime: age?.short ?? "-"
        case .pid: entry.process.map { "\($0.pid)" } ?? "-"
        case .accelerator: entry.vm?.accelerator ?? "-"
        case .uuid: entry.vm?.uuid ?? "-"
        case .description: entry.vm?.note ?? "-"
        case .tags: entry.vm.flatMap { $0.tags.isEmpty ? nil : $0.tags.joined(separator: ",") } ?? "-"
        case .file: entry.file.isEmpty ? "-" : entry.file.string
        case .marks: entry.marks.isEmpty ? "-" : entry.marks.joined(separator: ",")
        }
    }
}

extension VMEntry {
    /// What a person who reads the list should notice about the VM besides its state, a word each.
    var marks: [String] {
        [
            isTemplate ? "template" : nil, isEnabled == true ? "enabled" : nil, isProtected ? "protected" : nil,
            isPending ? "pending" : nil,
            isStray ? "stray" : nil,
        ].compactMap(\.self)
    }

    /// Whether there is any.
    var isMarked: Bool { isTemplate || isEnabled == true || isProtected || isPending || isStray }

    private var isTemplate: Bool { vm?.isTemplate == true }
    private var isProtected: Bool { vm?.isProtected == true }

    /// Whether its file says by now something else than it runs with.
    private var isPending: Bool { nextName != nil || pending?.isEmpty == false }

    /// How its state is shown on a terminal.
    var tone: Table.Tone? {
        switch state {
        case .running: .good
        case .starting, .paused, .sleeping, .suspended, .unknown: .doubtful
        case .crashed, .broken, .unresponsive: .bad
        case .stopped: nil
        }
    }

    /// The guest's best address; else where the host forwards to it.
    fileprivate var addressText: String {
        if let best = addresses.first(where: { !$0.address.isLinkLocal }) { return best.text }
        guard state.isAlive, let forward = vm?.forwards.first else { return "-" }
        return forward.short
    }

    /// Each NIC's tap, if it has one, and its network.
    fileprivate var nicsText: String {
        let nics = vm?.nics ?? []
        return nics.isEmpty
            ? "-" : nics.map { nic in nic.tap.map { "\($0)@\(nic.place)" } ?? nic.place }.joined(separator: ",")
    }
}

extension VMDescription.NIC {
    /// What it is connected to, and its address there: `bridge:br0`, `nat:10.213.0.5`.
    fileprivate var place: String { address.map { "\(network):\($0)" } ?? network.description }
}

extension PortForward {
    /// From where to where: `127.0.0.1:2222->22`.
    var short: String {
        let host = HostPort(transport, address.isEmpty ? "*" : address, hostPort).place
        return "\(host)->\(guestPort)" + (transport == .tcp ? "" : "/\(transport.rawValue)")
    }
}
