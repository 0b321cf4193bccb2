import BridgeNet

/// A bridge's configuration for NetworkManager: key files (nm-settings-keyfile(5)), which it accepts only if nobody but
/// root may read them.
package enum NetworkManagerFiles {
    package static let directory = "/etc/NetworkManager/system-connections"
    /// Of several profiles that match a link, NetworkManager takes the one with the highest priority; the default is 0.
    package static let priority = 100

    static func files(_ bridge: BridgeConfiguration, _ names: Nameservers) -> [ConfigurationFile] {
        func file(_ id: String, _ sections: [Section]) -> ConfigurationFile {
            let text = sections.map(\.text).joined(separator: "\n")
            return ConfigurationFile(
                path: "\(directory)/\(id).nmconnection", text: MarkedText.mark(text, for: bridge.name),
                permissions: 0o600)
        }
        let id = "kvmctl-\(bridge.name)"
        return [file(id, profile(bridge, id: id, names))]
            + bridge.uplinks.map { file("\(id)+\($0)", port($0, of: bridge, id: "\(id)+\($0)")) }
    }

    private static func profile(_ bridge: BridgeConfiguration, id: String, _ names: Nameservers) -> [Section] {
        var connection = Self.connection(id, type: "bridge", link: bridge.name)
        // The bridge's activation also activates its ports.
        connection.add("autoconnect-slaves", "1")
        var options = Section("bridge", [("mac-address", "\(bridge.mac)"), ("stp", "\(bridge.hasSpanningTree)")])
        // Without spanning tree it has no effect, and NetworkManager does not accept 0.
        if bridge.hasSpanningTree { options.add("forward-delay", "\(bridge.forwardDelay / 100)") }
        if bridge.isVLANAware { options.add("vlan-filtering", "true") }
        return [connection] + ethernet(bridge) + [options, ipv4(bridge, names), ipv6(bridge, names)]
    }

    private static func port(_ uplink: InterfaceName, of bridge: BridgeConfiguration, id: String) -> [Section] {
        var connection = Self.connection(id, type: "ethernet", link: uplink)
        connection.add("master", "\(bridge.name)")
        connection.add("slave-type", "bridge")
        return [connection] + ethernet(bridge)
    }

    /// The UUID is always the same for the same profile, so that writing it again changes that profile and does not add
    /// one.
    private static func connection(_ id: String, type: String, link: InterfaceName) -> Section {
        let uuid = Identity.derivedUUID(machineID: "", file: "\(directory)/\(id)").description
        return Section(
            "connection",
            [
                ("id", id), ("uuid", uuid), ("type", type), ("interface-name", "\(link)"),
                ("autoconnect-priority", "\(priority)"),
            ])
    }

    private static func ethernet(_ bridge: BridgeConfiguration) -> [Section] {
        bridge.unusualMTU.map { [Section("ethernet", [("mtu", "\($0)")])] } ?? []
    }

    private static func ipv4(_ bridge: BridgeConfiguration, _ names: Nameservers) -> Section {
        let method = bridge.ipv4.isDynamic ? "auto" : bridge.ipv4.addresses.isEmpty ? "disabled" : "manual"
        var section = Section("ipv4", [("method", method)])
        if bridge.ipv4.isDynamic { section.add("dhcp-client-id", "mac") }
        add(bridge.ipv4, names, to: &section) { !$0.contains(":") }
        return section
    }

    private static func ipv6(_ bridge: BridgeConfiguration, _ names: Nameservers) -> Section {
        let method = bridge.ipv6.isDynamic ? "auto" : bridge.ipv6.addresses.isEmpty ? "link-local" : "manual"
        // Derived from the MAC, as the kernel does, so that addresses stay as they were.
        var section = Section("ipv6", [("method", method), ("addr-gen-mode", "eui64")])
        add(bridge.ipv6, names, to: &section) { $0.contains(":") }
        return section
    }

    private static func add(
        _ addressing: BridgeConfiguration.Addressing, _ names: Nameservers, to section: inout Section,
        where isOfFamily: (String) -> Bool
    ) {
        for (number, address) in addressing.addresses.enumerated() { section.add("address\(number + 1)", "\(address)") }
        for (number, route) in addressing.routes.enumerated() { add(route, number + 1, to: &section) }
        // A name server for a disabled family would be an error.
        guard !addressing.isEmpty else { return }
        let servers = names.servers.filter(isOfFamily)
        if !servers.isEmpty { section.add("dns", servers.map { $0 + ";" }.joined()) }
        if !names.domains.isEmpty { section.add("dns-search", names.domains.map { $0 + ";" }.joined()) }
    }

    private static func add(_ route: BridgeConfiguration.Route, _ number: Int, to section: inout Section) {
        let nowhere = route.destination.address.isIPv4 ? "0.0.0.0" : "::"
        var words = ["\(route.destination)", route.gateway?.description ?? nowhere]
        if route.metric != 0 { words.append("\(route.metric)") }
        section.add("route\(number)", words.joined(separator: ","))
        var options: [String] = []
        if let table = route.table { options.append("table=\(table)") }
        if let source = route.source { options.append("src=\(source)") }
        if route.isOnLink { options.append("onlink=true") }
        if !options.isEmpty { section.add("route\(number)_options", options.joined(separator: ",")) }
    }
}
