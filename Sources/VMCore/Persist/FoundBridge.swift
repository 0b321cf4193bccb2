import BridgeNet

/// A bridge as the kernel has it, in terms of configuration files, and what they can't express. Pure.
package struct FoundBridge {
    /// The bridge.
    package let configuration: BridgeConfiguration
    /// The bridge and its ports that don't belong to VMs.
    package let links: [Link]
    /// What the files leave out.
    package let notices: [String]

    /// - Parameter kernel: the whole network state, of which only the bridge's part is used.
    package init(_ name: InterfaceName, in kernel: NetworkState) throws(VMError) {
        guard let bridge = kernel.link(named: name), bridge.isBridge, let mac = bridge.mac else {
            throw VMError(
                .notFound, name.description, "there is no such bridge", remedy: .run("make it", "kvmctl net up \(name)")
            )
        }
        guard !mac.isZero else {
            throw VMError(
                .busy, name.description, "has no MAC address: it was made without one, and its last port is gone",
                remedy: .run(
                    "give it one", "ip link set dev \(name) address \(Identity.mac(from: Array(name.description.utf8)))"
                ))
        }
        if let network = bridge.privateNetwork {
            throw VMError(
                .busy, name.description, "is kvmctl's own bridge for VMs on \(network), and comes and goes with them",
                remedy: "kvmctl creates it again when a VM needs it; a bridge that kvmctl net up creates stays")
        }
        // Taps belong to VMs, and are gone after a reboot of the host.
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
                "in these files without its peer or noprefixroute: the address \($0)"
            }
    }

    /// What the files can't express, and the user has to know.
    private static func leftOut(
        _ uplinks: [Link], _ routes: [Route], _ kernel: NetworkState, _ bridge: Link
    ) -> [String] {
        let virtual = uplinks.filter { $0.kind != nil }
        let inexpressible = routes.filter { $0.configuration == nil }
        let named = kernel.rules.filter { $0.input == bridge.name || $0.output == bridge.name }
        return virtual.map { "\($0.name) is of kind \($0.kind ?? ""): these files don't create it at boot" }
            + inexpressible.map { "not in these files: the route \($0)" }
            + named.map { "not in these files: the \($0)" }
            + kernel.neighbours.filter { $0.link == bridge.index }.map { "not in these files: the \($0)" }
            + (bridge.bridge?.vlanFiltering == true && !uplinks.isEmpty
                ? ["not in these files: the VLANs of its uplink (\(command: "bridge vlan show"))"] : [])
    }

    /// Refuses names that have a special meaning in the language of some service.
    private static func writable(_ name: String) throws(VMError) -> InterfaceName {
        guard name.isPlain(and: "._-"), let plain = InterfaceName(name) else {
            throw VMError(
                .badData, name, "can't be written in configuration files: only letters, digits, '.', '_' and '-' can",
                remedy: "rename the link (ip-link(8))")
        }
        return plain
    }

    /// Whether a person set the route, rather than the kernel or the network.
    private static func isAdmins(_ route: Route) -> Bool {
        route.table != Route.Number.localTable
            && ![Route.Number.kernel, Route.Number.routerAdvertisement, Route.Number.dhcp].contains(route.origin)
    }

    private static func addressing(
        _ addresses: [InterfaceAddress], _ routes: [Route]
    ) -> BridgeConfiguration.Addressing {
        // Addresses with a limited lifetime came from DHCP or from a router.
        let dynamic = addresses.filter(\.isDynamic)
        let own = addresses.filter { !$0.isDynamic && !($0.address.isLinkLocal && !$0.address.isIPv4) }
        // dhclient's default route looks as if the admin had set it; it comes back with the lease.
        let leased = routes.filter { route in
            route.isDefault && dynamic.contains { lease in route.gateway.map(lease.prefix.contains) ?? false }
        }
        return BridgeConfiguration.Addressing(
            isDynamic: !dynamic.isEmpty, addresses: own.map(\.prefix),
            routes: routes.filter { !leased.contains($0) }.compactMap(\.configuration))
    }
}

extension Route {
    /// The route in terms of configuration files; nil if they can't express it.
    fileprivate var configuration: BridgeConfiguration.Route? {
        guard kind == Number.unicast, !hasSeveralWays, !usesNexthopObject, isPlain, let destination else { return nil }
        return BridgeConfiguration.Route(
            destination: destination, gateway: gateway, metric: metric,
            table: table == Number.mainTable ? nil : table, source: source, isOnLink: isOnLink)
    }
}
