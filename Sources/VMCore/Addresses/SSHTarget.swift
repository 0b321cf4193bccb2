import BridgeNet

/// How the host reaches a guest's SSH server.
package struct SSHTarget: Equatable, Sendable {
    /// An address, with its zone if it needs one.
    package var host: String
    /// The TCP port.
    package var port: UInt16

    private static let sshPort: UInt16 = 22

    /// The best way: the guest's own address where the host can reach it; else a port of the host that is forwarded to
    /// the guest's port 22. Nil if there is neither.
    package init?(_ found: AddressReport) {
        let unreachable = found.nics.filter { $0.network == "user" }.map(\.index)
        if let address = found.addresses.first(where: { !unreachable.contains($0.nic) }) {
            self.init(host: address.text, port: Self.sshPort)
        } else {
            self.init(found.forwards)
        }
    }

    /// A port of the host that is forwarded to the guest's port 22; nil if there is none.
    package init?(_ forwards: [PortForward]) {
        guard let forward = forwards.first(where: { $0.transport == .tcp && $0.guestPort == Self.sshPort }) else {
            return nil
        }
        let isEverywhere = forward.address.isEmpty || forward.address == "0.0.0.0"
        self.init(host: isEverywhere ? "127.0.0.1" : forward.address, port: forward.hostPort)
    }

    private init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }

    /// The words for ssh(1).
    ///
    /// - Parameters:
    ///     - identity: what the guest's host key is known by: its address may be another guest's tomorrow, and a forwarded
    ///   port is the host's.
    ///     - words: options of ssh, and the command.
    package func arguments(identity: String, user: String?, _ words: [String]) -> [String] {
        ["-o", "HostKeyAlias=\(identity)", "-o", "CheckHostIP=no", "-p", "\(port)"]
            + (user.map { ["-l", $0] } ?? []) + [host] + words
    }
}
