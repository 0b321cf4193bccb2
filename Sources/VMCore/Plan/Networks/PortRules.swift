import BridgeNet

/// The nftables rules for a VM's NICs: one table for each VM, of the family netdev, so that they apply before a bridge
/// or the host's own stack sees a frame (nft(8)). A chain is removed with its interface; the VM holds the table.
package struct PortRules {
    /// The table's name.
    let table: String
    /// The interfaces and their rules.
    let ports: [Port]

    package init(table: String, ports: [Port]) {
        self.table = table
        self.ports = ports
    }

    /// An interface and its rules.
    package struct Port {
        var policy: PortPolicy
        var device: InterfaceName
        /// Whether the guest's frames go out by the interface, as by a macvtap, rather than come in by it, as by a tap.
        var isMacvtap: Bool
        /// The addresses that `ip` stands for; nil: any.
        package var addresses: [IPAddress]?
        /// The rate limit for what comes in by the interface, which no queueing discipline covers.
        package var bucket: TokenBucket?

        package init(
            policy: PortPolicy, device: InterfaceName, isMacvtap: Bool, addresses: [IPAddress]? = nil,
            bucket: TokenBucket? = nil
        ) {
            self.policy = policy
            self.device = device
            self.isMacvtap = isMacvtap
            self.addresses = addresses
            self.bucket = bucket
        }
    }

    package static func table(of name: VMName) -> String { "kvmctl-\(name)" }

    /// The input for nft: the whole table, which replaces what was in it before.
    package var script: String {
        let chains = ports.flatMap(Self.chains)
        return "add table netdev \(table)\ndelete table netdev \(table)\ntable netdev \(table) {\n\(chains.joined())}\n"
    }

    private static func chains(_ port: Port) -> [String] {
        let limit = port.bucket.map {
            // nft's bucket holds a second's worth plus the burst: there is no smaller unit.
            "limit rate over \($0.bytesPerSecond) bytes/second burst \($0.burst) bytes drop"
        }
        let filter = port.policy.filter.map { filterRules($0, port) } ?? []
        let (sent, coming) = port.isMacvtap ? ("egress", "ingress") : ("ingress", "ingress")
        let limits = [limit].compactMap(\.self)
        // The limit comes first, so that it also applies to what the filter accepts.
        if sent == coming { return [chain("from", port, hook: sent, limits + filter)] }
        return [chain("from", port, hook: sent, filter), chain("to", port, hook: coming, limits)]
    }

    private static func chain(_ direction: String, _ port: Port, hook: String, _ rules: [String]) -> String {
        guard !rules.isEmpty else { return "" }
        let head = "type filter hook \(hook) device \"\(port.device)\" priority filter; policy accept;"
        let lines = ([head] + rules).map { "        \($0)\n" }.joined()
        return "    chain \(direction)-net\(port.policy.nic) {\n\(lines)    }\n"
    }

    private static func filterRules(_ filter: SourceFilter, _ port: Port) -> [String] {
        let mac = port.policy.mac
        let station = ["ether saddr != \(mac) drop", "arp saddr ether != \(mac) drop"]
        return (filter.checksMAC ? station : []) + (port.addresses.map(addressRules) ?? [])
    }

    /// Besides its addresses, a guest may use what it needs to get and to check one: DHCP and ARP from 0.0.0.0,
    /// neighbour discovery from `::` and its link-local addresses. It may not act as a router or a DHCP server.
    private static func addressRules(_ addresses: [IPAddress]) -> [String] {
        let v4 = addresses.filter(\.isIPv4).map(\.description)
        let v6 = addresses.filter { !$0.isIPv4 }
        let notOwnTarget = v6.map { " @th,64,128 != 0x\($0.hex)" }.joined()
        return [
            "udp sport { 67, 547 } drop",
            "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept",
            v4.isEmpty ? "meta protocol ip drop" : "ip saddr != { \(v4.joined(separator: ", ")) } drop",
            "arp saddr ip != { \((["0.0.0.0"] + v4).joined(separator: ", ")) } drop",
            "icmpv6 type { nd-router-advert, nd-redirect } drop",
            "ip6 saddr != { \((["::", "fe80::/10"] + v6.map(\.description)).joined(separator: ", ")) } drop",
            // The target; nft has a name for it only since 1.0.8.
            "icmpv6 type nd-neighbor-advert @th,64,10 != 0x3fa\(notOwnTarget) drop",
            "meta protocol != { ip, ip6, arp } drop",
        ]
    }
}

extension IPAddress {
    fileprivate var hex: String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
