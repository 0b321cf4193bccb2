import BridgeNet

/// A bridge's configuration for systemd-networkd (systemd.netdev(5), systemd.network(5)).
package enum NetworkdFiles {
    static let directory = "/etc/systemd/network"
    /// networkd takes the first file that matches a link. So kvmctl's files come before those of an installer,
    /// cloud-init and netplan, whose names begin with 10 or more.
    package static let prefix = "05-kvmctl-"

    static func files(_ bridge: BridgeConfiguration, _ names: Nameservers) -> [ConfigurationFile] {
        func file(_ name: String, _ sections: [Section]) -> ConfigurationFile {
            let text = sections.map(\.text).joined(separator: "\n")
            return ConfigurationFile(
                path: "\(directory)/\(prefix)\(name)", text: MarkedText.mark(text, for: bridge.name))
        }
        return [
            file("\(bridge.name).netdev", device(bridge)),
            file("\(bridge.name).network", network(bridge, names)),
        ] + bridge.uplinks.map { file("\(bridge.name)+\($0).network", port($0, of: bridge)) }
    }

    private static func device(_ bridge: BridgeConfiguration) -> [Section] {
        var options = Section("Bridge", [("STP", yesOrNo(bridge.hasSpanningTree))])
        options.add("ForwardDelaySec", Hundredths.text(bridge.forwardDelay))
        if bridge.isVLANAware { options.add("VLANFiltering", "yes") }
        return [
            Section("NetDev", [("Name", "\(bridge.name)"), ("Kind", "bridge"), ("MACAddress", "\(bridge.mac)")]),
            options,
        ]
    }

    private static func network(_ bridge: BridgeConfiguration, _ names: Nameservers) -> [Section] {
        var link = Section("Link")
        var network = Section("Network")
        if let mtu = bridge.unusualMTU { link.add("MTUBytes", "\(mtu)") }
        if bridge.uplinks.isEmpty {
            // It has no carrier until a VM runs, and the boot must not wait for that.
            link.add("RequiredForOnline", "no")
            network.add("ConfigureWithoutCarrier", "yes")
        }
        if bridge.ipv4.isDynamic { network.add("DHCP", "ipv4") }
        network.add("IPv6AcceptRA", yesOrNo(bridge.ipv6.isDynamic))
        for address in bridge.ipv4.addresses + bridge.ipv6.addresses { network.add("Address", "\(address)") }
        for server in names.servers { network.add("DNS", server) }
        if !names.domains.isEmpty { network.add("Domains", names.domains.joined(separator: " ")) }
        let dhcp = bridge.ipv4.isDynamic ? [Section("DHCPv4", [("ClientIdentifier", "mac")])] : []
        let routes = (bridge.ipv4.routes + bridge.ipv6.routes).map(route)
        return [Section("Match", [("Name", "\(bridge.name)")])] + (link.isEmpty ? [] : [link]) + [network] + dhcp
            + routes
    }

    private static func route(_ route: BridgeConfiguration.Route) -> Section {
        var section = Section("Route", [("Destination", "\(route.destination)")])
        if let gateway = route.gateway { section.add("Gateway", "\(gateway)") }
        if route.isOnLink { section.add("GatewayOnLink", "yes") }
        if route.metric != 0 { section.add("Metric", "\(route.metric)") }
        if let table = route.table { section.add("Table", "\(table)") }
        if let source = route.source { section.add("PreferredSource", "\(source)") }
        return section
    }

    private static func port(_ uplink: InterfaceName, of bridge: BridgeConfiguration) -> [Section] {
        let match = Section("Match", [("Name", "\(uplink)")])
        let network = Section("Network", [("Bridge", "\(bridge.name)"), ("LinkLocalAddressing", "no")])
        return bridge.unusualMTU.map { [match, Section("Link", [("MTUBytes", "\($0)")]), network] } ?? [match, network]
    }

    private static func yesOrNo(_ value: Bool) -> String { value ? "yes" : "no" }
}

/// A section of a file of `[Name]` and `Key=value` lines.
struct Section {
    private var lines: [String]

    package init(_ name: String, _ settings: [(String, String)] = []) {
        lines = ["[\(name)]"] + settings.map { "\($0)=\($1)" }
    }

    /// Whether it sets nothing.
    var isEmpty: Bool { lines.count == 1 }

    mutating func add(_ key: String, _ value: String) { lines.append("\(key)=\(value)") }

    var text: String { lines.joined(separator: "\n") + "\n" }
}

/// The kernel's hundredths of a second as seconds.
enum Hundredths {
    static func text(_ hundredths: UInt32) -> String {
        let rest = hundredths % 100
        return "\(hundredths / 100)" + (rest == 0 ? "" : "." + (rest < 10 ? "0" : "") + "\(rest)")
    }
}
