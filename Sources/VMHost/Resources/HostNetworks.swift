import BridgeKernel
import BridgeNet
import VMCore

/// The networks that the host is on, which a new one must not overlap.
struct HostNetworks {
    /// The bridge of `nat`, if it exists.
    let bridge: Link?
    /// The bridge's address.
    let prefix: IPPrefix?
    /// The smallest MTU of the default routes' links, in bytes. With a larger one, guests would depend on path MTU
    /// discovery.
    let outsideMTU: Int
    private let used: [IPPrefix]

    init(_ name: InterfaceName) throws(VMError) {
        let (links, addresses, routes) = try Bridges.routing { (socket) throws(NetworkError) in
            (try socket.links(), try socket.addresses(), try socket.routes())
        }
        let bridge = links.first { $0.name == name.description }
        self.bridge = bridge
        let own = addresses.filter { $0.link == bridge?.index && $0.address.isIPv4 }
        prefix = own.first?.prefix
        let outside = Set(routes.filter(\.isDefault).flatMap(\.links))
        outsideMTU = links.filter { outside.contains($0.index) }.map(\.mtu).reduce(1500, min)
        used = addresses.map(\.prefix) + routes.compactMap(\.destination)
    }

    /// The present network of `nat`, or one that overlaps none of the host's.
    func ownOrFreePrefix() throws(VMError) -> IPPrefix {
        if let prefix = prefix ?? NATAddressing.prefix(avoiding: used) { return prefix }
        throw VMError(
            .unavailable, "nat", "every private network that it could have overlaps one of this host's",
            remedy: "\(command: "ip route show table all") lists them; use a bridge, or NETn=user")
    }
}
