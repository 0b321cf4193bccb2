import BridgeNet

/// A bridge's configuration for ifupdown (interfaces(5)). The bridge is created with ip(8), which ifupdown itself
/// needs, and not with the options of bridge-utils, which a host may not have.
package enum IfupdownFile {
    package static let directory = "/etc/network/interfaces.d"

    package static func path(_ bridge: InterfaceName) -> String { "\(directory)/kvmctl-\(bridge)" }

    static func files(_ bridge: BridgeConfiguration, _ names: Nameservers) -> [ConfigurationFile] {
        var stanzas = [Stanza("inet manual", creation(bridge))]
        stanzas += addresses(bridge)
        // ifdown goes through the stanzas in this order too, so the bridge has to be deleted in the last one.
        let last = routes(bridge) + removal(bridge)
        if stanzas.count == 1 { stanzas[0].lines += last } else { stanzas.append(Stanza("inet manual", last)) }
        if !names.servers.isEmpty { stanzas[0].lines.append("dns-nameservers " + names.servers.joined(separator: " ")) }
        if !names.domains.isEmpty { stanzas[0].lines.append("dns-search " + names.domains.joined(separator: " ")) }
        let text = "auto \(bridge.name)\n" + stanzas.map { $0.text(bridge.name) }.joined()
        return [ConfigurationFile(path: path(bridge.name), text: MarkedText.mark(text, for: bridge.name))]
    }

    private struct Stanza {
        var method: String
        var lines: [String]

        package init(_ method: String, _ lines: [String] = []) { (self.method, self.lines) = (method, lines) }

        func text(_ bridge: InterfaceName) -> String {
            "iface \(bridge) \(method)\n" + lines.map { "    \($0)\n" }.joined()
        }
    }

    private static func creation(_ bridge: BridgeConfiguration) -> [String] {
        let name = bridge.name
        let options =
            "stp_state \(bridge.hasSpanningTree ? 1 : 0) forward_delay \(bridge.forwardDelay)"
            + (bridge.isVLANAware ? " vlan_filtering 1" : "")
        var lines = [
            "pre-up ip link show dev \(name) >/dev/null 2>&1 || ip link add name \(name) type bridge",
            "pre-up ip link set dev \(name) address \(bridge.mac) type bridge \(options)",
        ]
        for uplink in bridge.uplinks {
            let mtu = bridge.unusualMTU.map { " mtu \($0)" } ?? ""
            lines.append("pre-up ip link set dev \(uplink) addrgenmode none\(mtu)")
            lines.append("pre-up ip link set dev \(uplink) master \(name) up")
        }
        if let mtu = bridge.unusualMTU { lines.append("mtu \(mtu)") }
        return lines
    }

    private static func addresses(_ bridge: BridgeConfiguration) -> [Stanza] {
        var stanzas = bridge.ipv4.isDynamic ? [Stanza("inet dhcp")] : []
        stanzas += bridge.ipv4.addresses.map { Stanza("inet static", ["address \($0)"]) }
        if bridge.ipv6.isDynamic { stanzas.append(Stanza("inet6 auto")) }
        let announced = bridge.ipv6.isDynamic ? 1 : 0
        stanzas += bridge.ipv6.addresses.map {
            Stanza("inet6 static", ["address \($0)", "accept_ra \(announced)", "autoconf \(announced)"])
        }
        return stanzas
    }

    private static func routes(_ bridge: BridgeConfiguration) -> [String] {
        // In this order: a router has to be reachable before a route can lead through it.
        let all = bridge.ipv4.routes + bridge.ipv6.routes
        return (all.filter { $0.gateway == nil } + all.filter { $0.gateway != nil }).map { route in
            var words = ["up ip route replace \(route.destination)"]
            if let gateway = route.gateway { words.append("via \(gateway)") }
            words.append("dev \(bridge.name)")
            if route.isOnLink { words.append("onlink") }
            if route.metric != 0 { words.append("metric \(route.metric)") }
            if let table = route.table { words.append("table \(table)") }
            if let source = route.source { words.append("src \(source)") }
            return words.joined(separator: " ")
        }
    }

    private static func removal(_ bridge: BridgeConfiguration) -> [String] {
        bridge.uplinks.map { "post-down ip link set dev \($0) nomaster" }
            + ["post-down ip link delete dev \(bridge.name)"]
    }
}
