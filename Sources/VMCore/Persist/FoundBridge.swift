import BridgeNet

/// A bridge as the kernel has it, in the terms of configuration files, and what of it they can't say. Pure.
package struct FoundBridge {
    /// The bridge.
    package let configuration: BridgeConfiguration
    /// The bridge and its ports that are not VMs'.
    package let links: [Link]
    /// What the files leave out.
    package let notices: [String]

    /// - Parameter kernel: everything that the kernel has, of which only the bridge's counts.
    package init(_ name: InterfaceName, in kernel: NetworkState) throws(VMError) {
        guard let bridge = kernel.link(named: name), bridge.isBridge, let mac = bridge.mac else {
            throw VMError(
                .notFound, name.description, "there is no such bridge", remedy: .run("make it", "kvmctl net up \(name)")
            )
        }
        if let network = bridge.privateNetwork {
            throw VMError(
                .busy, name.description, "it is kvmctl's own, for VMs on \(network), and comes and goes with them",
                remedy: "VMs find it again after a boot; a bridge that kvmctl net up makes stays")
        }
        // Taps are VMs', and gone when the host boots.
        let uplinks = kernel.ports(of: bridge).filter { !$0.isTap }
        let names = try (uplinks + [bridge]).map { link throws(VMError) in try Self.writable(link.name) }
        let routes = kernel.routes.filter { $0.links.contains(bridge.index) && Self.isAdmins($0) }
        let addresses = kernel.addresses.filter { $0.link == bridge.index }
        configuration = BridgeConfiguration(
            name: name, mac: mac, mtu: bridge.mtu, hasSpanningTree: bridge.bridge?.spanningTree ?? false,
            forwardDelay: bridge.bridge?.forwardDelay ?? 0, isVLANAware: bridge.bridge?.vlanFiltering ?? false,
            uplinks: Array(names.dropLast()),
            ipv4: Self.addressing(addresses.filter(\.address.isIPv4), routes.filter { $0.family == .ipv4 }),
            ipv6: Self.addressing(addresses.filter { !$0.address.isIPv4 }, routes.filter { $0.family == .ipv6 }))
        links = [bridge] + uplinks
        notices =
            Self.leftOut(uplinks, routes, kernel, bridge)
            + addresses.filter { $0.peer != nil || !$0.isDynamic && $0.flags.contains(.withoutPrefixRoute) }.map {
                "in these files without its peer or its noprefixroute: the address \($0)"
            }
    }

    /// What the files can't say, and somebody has to know.
    private static func leftOut(
        _ uplinks: [Link], _ routes: [Route], _ kernel: NetworkState, _ bridge: Link
    ) -> [String] {
        let virtual = uplinks.filter { $0.kind != nil }
        let inexpressible = routes.filter { $0.configuration == nil }
        let named = kernel.rules.filter { $0.input == bridge.name || $0.output == bridge.name }
        return virtual.map { "\($0.name) is of kind \($0.kind ?? ""): what makes it at boot is not in these files" }
            + inexpressible.map { "not in these files: the route \($0)" }
            + named.map { "not in these files: the \($0)" }
            + kernel.neighbours.filter { $0.link == bridge.index }.map { "not in these files: the \($0)" }
            + (bridge.bridge?.vlanFiltering == true && !uplinks.isEmpty
                ? ["not in these files: VLANs that its uplink was put into (\(command: "bridge vlan show"))"] : [])
    }

    /// Only names that no service's language has a meaning for.
    private static func writable(_ name: String) throws(VMError) -> InterfaceName {
        guard name.isPlain(and: "._-"), let plain = InterfaceName(name) else {
            throw VMError(
                .badData, name, "can't be named in configuration files: only letters, digits, '.', '_' and '-' can",
                remedy: "rename the link; ip-link(8) says how")
        }
        return plain
    }

    /// Whether it is a route that somebody made, and neither the kernel nor the network.
    private static func isAdmins(_ route: Route) -> Bool {
        route.table != Route.Number.localTable
            && ![Route.Number.kernel, Route.Number.routerAdvertisement, Route.Number.dhcp].contains(route.origin)
    }

    private static func addressing(
        _ addresses: [InterfaceAddress], _ routes: [Route]
    ) -> BridgeConfiguration.Addressing {
        // What lasts only for a time came from DHCP or from a router.
        let dynamic = addresses.filter(\.isDynamic)
        let own = addresses.filter { !$0.isDynamic && !($0.address.isLinkLocal && !$0.address.isIPv4) }
        // dhclient's default route looks like the admin's; it comes back with the lease.
        let leased = routes.filter { route in
            route.isDefault && dynamic.contains { lease in route.gateway.map(lease.prefix.contains) ?? false }
        }
        return BridgeConfiguration.Addressing(
            isDynamic: !dynamic.isEmpty, addresses: own.map(\.prefix),
            routes: routes.filter { !leased.contains($0) }.compactMap(\.configuration))
    }
}

extension Route {
    /// The route in the terms of configuration files; nil where they have none for it.
    fileprivate var configuration: BridgeConfiguration.Route? {
        guard kind == Number.unicast, !hasSeveralWays, !usesNexthopObject, isPlain, let destination else { return nil }
        return BridgeConfiguration.Route(
            destination: destination, gateway: gateway, metric: metric,
            table: table == Number.mainTable ? nil : table, source: source, isOnLink: isOnLink)
    }
}
