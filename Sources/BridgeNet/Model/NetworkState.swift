/// What the kernel has of one network namespace: all that a plan about addresses and routes has to know.
public struct NetworkState: Equatable, Sendable {
    /// Its links.
    public var links: [Link]
    /// The addresses on them, in the kernel's order.
    public var addresses: [InterfaceAddress]
    /// The routes of all tables, in the kernel's order.
    public var routes: [Route]
    /// The rules that choose between tables.
    public var rules: [Rule]
    /// What is written down of neighbours on them.
    public var neighbours: [FixedNeighbour]
    /// The indices of the links that are Wi-Fi.
    public var wireless: Set<UInt32>

    /// A state of these parts; what is left out is not there.
    public init(
        links: [Link], addresses: [InterfaceAddress] = [], routes: [Route] = [], rules: [Rule] = [],
        neighbours: [FixedNeighbour] = [], wireless: Set<UInt32> = []
    ) {
        (self.links, self.addresses, self.routes, self.rules) = (links, addresses, routes, rules)
        (self.neighbours, self.wireless) = (neighbours, wireless)
    }

    /// The link of that name.
    public func link(named name: InterfaceName) -> Link? { links.first { $0.name == name.description } }

    /// The link that is called so, perhaps by an alternative name.
    public func link(called name: DeviceName) -> Link? { links.called(name) }

    /// What is joined to a bridge.
    public func ports(of bridge: Link) -> [Link] { links.filter { $0.controller == bridge.index } }

    /// The port that connects a bridge to the network outside: the one whose MAC the bridge has, which `net up --uplink`
    /// gives it, else the only one that is hardware. Never a VM's tap; nil where it can't be told.
    public func uplink(of bridge: Link) -> Link? {
        let ports = ports(of: bridge).filter { !$0.isTap && $0.isEthernet }
        let namesakes = ports.filter { $0.mac == bridge.mac }
        if namesakes.count == 1 { return namesakes[0] }
        let hardware = ports.filter { $0.kind == nil }
        return hardware.count == 1 ? hardware[0] : nil
    }

    /// A number that no link has.
    public var freeIndex: UInt32 { (links.map(\.index).max() ?? 0) + 1 }
}

extension Link {
    /// Whether it is a tap (or a tun): the host's end of a program's network card.
    public var isTap: Bool { kind == "tun" }
}
