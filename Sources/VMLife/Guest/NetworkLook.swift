import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// What a guest's network tells: its addresses, and whether something listens on its ports.
struct NetworkLook {
    private let vm: Machine
    /// Those that the host can reach.
    private let ports: [UInt16]
    /// Why the host can't reach the others.
    let obstacles: [UInt16: VMError]
    private let search: AddressSearch
    private let manifest: Manifest
    private var askPace = Pace(every: .seconds(2))
    private var portPace = Pace(every: .seconds(1))

    private static let patience = Duration.milliseconds(700)

    /// Begins to listen.
    init(_ vm: Machine, ports: [UInt16]) throws(VMError) {
        self.vm = vm
        let manifest = try vm.runningManifest(or: "it has no address", telling: "its NICs are")
        self.manifest = manifest
        var obstacles: [UInt16: VMError] = [:]
        for port in ports { obstacles[port] = Self.obstacle(vm, manifest, port) }
        self.obstacles = obstacles
        self.ports = ports.filter { obstacles[$0] == nil }
        search = try vm.addressSearch(AddressFilter())
    }

    /// Become readable when there is something to look at.
    var listening: [CInt] { search.listening }
    /// How long until the next look.
    var remaining: Duration { min(askPace.remaining, ports.isEmpty ? askPace.remaining : portPace.remaining) }

    mutating func look(_ evidence: inout GuestEvidence) throws(VMError) {
        search.takeIn()
        if !search.found.isSure, askPace.isDue() { try search.askAll() }
        evidence.addresses = search.found.report
        guard !ports.isEmpty, portPace.isDue() else { return }
        for port in ports where evidence.ports[port] != .open { evidence.ports[port] = answer(at: port) }
    }

    /// Connects by the forwarded port, if there is one, else at the guest's own addresses.
    private func answer(at port: UInt16) -> GuestEvidence.PortAnswer {
        if let forward = Self.forward(manifest, port), !Self.isReachable(manifest) { return answer(by: forward) }
        let all = search.found.report.addresses.filter { address in
            manifest.vm.nics.first { $0.index == address.nic }?.network != .user
        }
        guard !all.isEmpty else { return .noAddress }
        var answer = GuestEvidence.PortAnswer.unreachable
        for address in all.prefix(3) {
            do throws(Errno) {
                _ = try TCPProbe(host: address.text, port: port, within: Self.patience)
                return .open
            } catch {
                let other = GuestEvidence.PortAnswer(error)
                if other != .unreachable { answer = other }
            }
        }
        return answer
    }

    /// QEMU accepts a connection to a forwarded port whatever the guest does, so that it is asked what became of it. It closes
    /// one that the guest refused, and one that the guest has accepted and closed: of the latter it still knows.
    private func answer(by forward: PortForward) -> GuestEvidence.PortAnswer {
        let isEverywhere = forward.address.isEmpty || ["0.0.0.0", "::"].contains(forward.address)
        do throws(Errno) {
            guard let before = connections(through: forward) else { return .silent }
            let probe = try TCPProbe(
                host: isEverywhere ? "127.0.0.1" : forward.address, port: forward.hostPort, within: Self.patience)
            let deadline = Deadline(in: Self.patience)
            var isClosed = false
            while !deadline.hasPassed {
                switch probe.deed(within: .milliseconds(100)) {
                case .sent: return .open
                case .closed: isClosed = true
                case .nothing: break
                }
                switch connections(through: forward)?.newest(since: before) {
                case .established: return .open
                case .gone: return .refused
                case .waiting, nil: if isClosed { pause(.milliseconds(20)) }
                }
            }
            return isClosed ? .refused : .silent
        } catch { return GuestEvidence.PortAnswer(error) }
    }

    /// What QEMU tells of the connections to a forwarded port; nil if it does not.
    private func connections(through forward: PortForward) -> ForwardedConnections? {
        guard let text = try? vm.ask(.userNetwork, by: Deadline(in: Self.patience)) else { return nil }
        return ForwardedConnections(in: text, from: forward.hostPort, to: forward.guestPort)
    }

    private static func isReachable(_ manifest: Manifest) -> Bool {
        manifest.vm.nics.contains { $0.network != .user }
    }

    private static func forward(_ manifest: Manifest, _ port: UInt16) -> PortForward? {
        manifest.vm.forwards.first { $0.transport == .tcp && $0.guestPort == port }
    }

    /// Why the host can't reach a port; nil if it can.
    private static func obstacle(_ vm: Machine, _ manifest: Manifest, _ port: UInt16) -> VMError? {
        guard !isReachable(manifest), forward(manifest, port) == nil else { return nil }
        guard !manifest.vm.nics.isEmpty else {
            return VMError(
                .unavailable, vm.name.description, "it has no NIC, so its port \(port) can't be reached",
                remedy: "give it one: a line such as NET0=bridge:br0 in \(vm.file), and restart it")
        }
        return VMError(
            .unavailable, vm.name.description,
            "the host can't reach its port \(port): it has only QEMU's own network, "
                + "and no FORWARDn leads there",
            remedy: "add a line such as FORWARD0=tcp:127.0.0.1:HOSTPORT:\(port) to \(vm.file), and restart it")
    }
}

extension Machine {
    /// What a wait for its guest's address should know beforehand; nil: nothing, or it does not run.
    package var noteOnAddress: String? {
        guard let nics = try? manifest()?.vm.nics, !nics.isEmpty, nics.allSatisfy({ $0.network == .user }) else {
            return nil
        }
        return "it has only QEMU's own network, so that its guest agent alone can tell its address"
    }
}
