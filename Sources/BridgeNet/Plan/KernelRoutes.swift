extension InterfaceAddress {
    /// The routes to its network and its peer that the kernel adds to the main table by itself when a link gets the
    /// address (`fib_add_ifaddr`, net/ipv4/fib_frontend.c; `inet6_addr_add`, net/ipv6/addrconf.c).
    func kernelRoutes(on link: UInt32) -> [Route] {
        if flags.contains(.withoutPrefixRoute) { return [] }
        if address.isIPv4 { return kernelRoutes4(on: link) }
        let networks = [prefix.network] + (peer.flatMap { IPPrefix($0, length: 128) }.map { [$0] } ?? [])
        // 256 is IP6_RT_PRIO_ADDRCONF.
        return networks.map { Route(kernelsTo: $0, link: link, scope: 0, metric: metric ?? 256) }
    }

    private func kernelRoutes4(on link: UInt32) -> [Route] {
        guard let network = IPPrefix(peer ?? address, length: prefix.length)?.network else { return [] }
        let isOneHost = network.length == 32 && network.address == address
        if flags.contains(.secondary) || isOneHost || network.address.octets[0] == 0 { return [] }
        return [
            Route(
                kernelsTo: network, link: link, scope: Route.Number.linkScope, metric: metric ?? 0, source: address)
        ]
    }
}

extension Route {
    /// A route that the kernel adds to the network of an address.
    fileprivate init(
        kernelsTo network: IPPrefix, link: UInt32, scope: UInt8, metric: UInt32, source: IPAddress? = nil
    ) {
        var attributes: [Attribute] = [
            .number(RouteWire.table, Number.mainTable), .bytes(RouteWire.destination, network.address.octets),
        ]
        if metric != 0 { attributes.append(.number(RouteWire.priority, metric)) }
        if let source { attributes.append(.bytes(RouteWire.preferredSource, source.octets)) }
        attributes.append(.number(RouteWire.output, link))
        self.init(
            family: network.address.family, destinationLength: UInt8(network.length), sourceLength: 0, typeOfService: 0,
            origin: Number.kernel, scope: scope, kind: Number.unicast, flags: 0, attributes: attributes)
    }

    /// Whether it is the given route as the kernel made it; the kernel may report more attributes.
    func isKernels(_ made: Route) -> Bool {
        destination == made.destination && origin == made.origin && kind == made.kind && table == made.table
            && metric == made.metric && source == made.source && gateway == nil && links == made.links
    }

    /// Whether it belongs to the kernel's own bookkeeping of addresses (ip-route(8), table local).
    var isBookkeeping: Bool { table == Number.localTable && origin == Number.kernel }
}
