import BridgeKernel
import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// The ports that the network's dnsmasq needs.
extension NATNetwork {
    /// DNS uses both transports.
    private static func namePorts(at address: IPAddress) -> [HostPort] {
        [.tcp, .udp].map { HostPort($0, address.description, NATServer.namePort) }
    }

    private static let leasePort = HostPort(.udp, "", NATServer.leasePort)

    /// Whether another program answers to names at an address.
    func isNamePortTaken(at address: IPAddress) throws(VMError) -> Bool {
        for port in Self.namePorts(at: address) {
            if try isTakenByAnother(port) { return true }
        }
        return false
    }

    /// Whether another program has the port of DHCP, and does not share it.
    func isLeasePortTaken() throws(VMError) -> Bool { try isTakenByAnother(Self.leasePort, sharing: true) }

    /// Only root may try. Our own dnsmasq, which another command may be starting or ending right now, starts after the
    /// bridge is made and ends before it is removed.
    private func isTakenByAnother(_ port: HostPort, sharing: Bool = false) throws(VMError) -> Bool {
        guard geteuid() == 0, Self.isTaken(port, sharing: sharing) else { return false }
        // Commands that try at the same moment are in each other's way, for as long as a bind(2) takes.
        for _ in 0..<5 {
            let own = try Bridges.routing { (socket) throws(NetworkError) in try socket.link(named: bridge) }
            guard own == nil else { return false }
            pause(.milliseconds(.random(in: 5...20)))
            guard Self.isTaken(port, sharing: sharing) else { return false }
        }
        return true
    }

    /// Whether any of the ports is taken, while our own dnsmasq does not run.
    func isPortTaken(at address: IPAddress) -> Bool {
        Self.namePorts(at: address).contains { Self.isTaken($0) } || Self.isTaken(Self.leasePort, sharing: true)
    }

    /// - Parameter sharing: whether dnsmasq shares the port with other servers that do so too.
    private static func isTaken(_ port: HostPort, sharing: Bool = false) -> Bool {
        PortProbe.obstacle(to: port, maybeNotYet: true, sharing: sharing) == .addressInUse
    }
}
