/// The network state of one namespace: all that a plan for addresses and routes needs.
public struct NetworkState: Equatable, Sendable {
    /// Its links.
    public var links: [Link]
    /// The addresses on them, in the kernel's order.
    public var addresses: [InterfaceAddress]
    /// The routes of all tables, in the kernel's order.
    public var routes: [Route]
    /// The rules that choose between tables.
    public var rules: [Rule]
    /// The static neighbour entries on them.
    public var neighbours: [FixedNeighbour]
    /// The indices of the links that are Wi-Fi.
    public var wireless: Set<UInt32>

    /// A state with these parts; what is left out is empty.
    public init(
        links: [Link], addresses: [InterfaceAddress] = [], routes: [Route] = [], rules: [Rule] = [],
        neighbours: [FixedNeighbour] = [], wireless: Set<UInt32> = []
    ) {
        (self.links, self.addresses, self.routes, self.rules) = (links, addresses, routes, rules)
        (self.neighbours, self.wireless) = (neighbours, wireless)
    }

    /// The link with this name.
    public func link(named name: InterfaceName) -> Link? { links.first { $0.name == name.description } }

    /// The link with this name or alternative name.
    public func link(called name: DeviceName) -> Link? { links.called(name) }

    /// The ports of a bridge.
    public func ports(of bridge: Link) -> [Link] { links.filter { $0.controller == bridge.index } }

    /// The port that connects a bridge to the outside network: the one that has the bridge's MAC, as `UplinkPlan.up`
    /// leaves it, or else the only one that is hardware. Never a VM's tap; nil if it can't be told.
    public func uplink(of bridge: Link) -> Link? {
        let ports = ports(of: bridge).filter { !$0.isTap && $0.isEthernet }
        let namesakes = ports.filter { $0.mac == bridge.mac }
        if namesakes.count == 1 { return namesakes[0] }
        let hardware = ports.filter { $0.kind == nil }
        return hardware.count == 1 ? hardware[0] : nil
    }

    /// An index that no link has.
    public var freeIndex: UInt32 { (links.map(\.index).max() ?? 0) + 1 }
}
