import BridgeNet

/// What identifies a VM's tap or macvtap once the VM is gone. Another link can take its name, and a process that has
/// its descriptor can change its MAC address. But no other link gets its index (`dev_new_index`, net/core/dev.c), and
/// changing its alias needs CAP_NET_ADMIN.
public struct PortIdentity: Equatable, Sendable {
    /// Its index in its network namespace.
    public var index: UInt32
    /// Its name, for people.
    public var name: String
    /// `tun` or `macvtap`.
    public var kind: String
    /// Its owner: the VM's name.
    public var alias: String

    /// An identity with these properties.
    public init(index: UInt32, name: String, kind: String, alias: String) {
        (self.index, self.name, self.kind, self.alias) = (index, name, kind, alias)
    }

    /// Whether a link is this port.
    public func isThat(of link: Link) -> Bool {
        link.index == index && link.kind == kind && link.alias == alias
    }
}

extension RouteSocket {
    /// Removes a VM's port, even if a process has it open. A port that is already gone is not a failure.
    public mutating func remove(_ port: PortIdentity) throws(NetworkError) {
        guard let link = try link(numbered: port.index), port.isThat(of: link) else { return }
        do {
            _ = try ask(LinkRequest.delete(port.index), subject: link.name, doing: "deleting it")
        } catch  where error.errno == .noSuchDevice { return }
    }
}
