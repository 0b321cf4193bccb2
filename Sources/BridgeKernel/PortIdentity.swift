import BridgeNet

/// What a VM's tap or macvtap is known by when the VM is gone. Another link can get its name, and a process with its
/// descriptor can give it another address. No other link gets its number (`dev_new_index`, net/core/dev.c), and to change
/// its alias takes CAP_NET_ADMIN.
public struct PortIdentity: Equatable, Sendable {
    /// Its number in its network namespace.
    public var index: UInt32
    /// Its name, for people.
    public var name: String
    /// `tun` or `macvtap`.
    public var kind: String
    /// Whose it is: the VM's name.
    public var alias: String

    /// Describes a port; see the properties.
    public init(index: UInt32, name: String, kind: String, alias: String) {
        (self.index, self.name, self.kind, self.alias) = (index, name, kind, alias)
    }

    /// Whether a link is that port.
    public func isThat(of link: Link) -> Bool {
        link.index == index && link.kind == kind && link.alias == alias
    }
}

extension RouteSocket {
    /// Removes a VM's port, also one that some process has open. One that is gone already is no failure.
    public mutating func remove(_ port: PortIdentity) throws(NetworkError) {
        guard let link = try link(numbered: port.index), port.isThat(of: link) else { return }
        do {
            _ = try ask(LinkRequest.delete(port.index), subject: link.name, doing: "deleting it")
        } catch  where error.errno == .noSuchDevice { return }
    }
}
