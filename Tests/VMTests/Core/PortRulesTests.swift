import BridgeNet
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// The nft rules for a VM's NICs.
@Suite struct PortRulesTests {
    private let mac: MACAddress
    private let tap: InterfaceName

    init() throws {
        mac = try #require(MACAddress("52:54:00:00:00:01"))
        tap = try #require(InterfaceName("tap0"))
    }

    private func script(
        rate: UInt64? = nil, filter: String? = nil, addresses: [String]? = nil, isMacvtap: Bool = false
    ) throws -> String {
        let policy = PortPolicy(
            nic: 0, mac: mac, rate: rate.map { BitRate(bitsPerSecond: Int64($0) * 8) },
            filter: try filter.map { text throws(ValueFault) in try ParamsDecoder.filter(text) })
        let port = PortRules.Port(
            policy: policy, device: tap, isMacvtap: isMacvtap, addresses: addresses?.compactMap { IPAddress($0) },
            bucket: rate.map { TokenBucket(bytesPerSecond: $0, mtu: 1500) })
        return PortRules(table: "kvmctl-web", ports: [port]).script
    }

    @Test func aGuestSendsAsItselfAlone() throws {
        let expected = """
            add table netdev kvmctl-web
            delete table netdev kvmctl-web
            table netdev kvmctl-web {
                chain from-net0 {
                    type filter hook ingress device "tap0" priority filter; policy accept;
                    ether saddr != 52:54:00:00:00:01 drop
                    arp saddr ether != 52:54:00:00:00:01 drop
                    udp sport { 67, 547 } drop
                    ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
                    ip saddr != { 192.0.2.7 } drop
                    arp saddr ip != { 0.0.0.0, 192.0.2.7 } drop
                    icmpv6 type { nd-router-advert, nd-redirect } drop
                    ip6 saddr != { ::, fe80::/10, 2001:db8::7 } drop
                    icmpv6 type nd-neighbor-advert @th,64,10 != 0x3fa @th,64,128 != 0x20010db8000000000000000000000007 drop
                    meta protocol != { ip, ip6, arp } drop
                }
            }

            """
        #expect(
            try script(filter: "mac,ip=192.0.2.7,2001:db8::7", addresses: ["192.0.2.7", "2001:db8::7"]) == expected)
    }

    @Test func withoutAnIPv4AddressNoIPv4Leaves() throws {
        let rules = try script(filter: "ip=2001:db8::7", addresses: ["2001:db8::7"])
        #expect(rules.contains("meta protocol ip drop\n"))
        #expect(rules.contains("arp saddr ip != { 0.0.0.0 } drop\n"))
        #expect(!rules.contains("ether"))
    }

    /// What a guest sends comes in by a tap, but goes out by a macvtap.
    @Test func aMacvtapIsTheOtherWayRound() throws {
        let expected = """
            add table netdev kvmctl-web
            delete table netdev kvmctl-web
            table netdev kvmctl-web {
                chain from-net0 {
                    type filter hook egress device "tap0" priority filter; policy accept;
                    ether saddr != 52:54:00:00:00:01 drop
                    arp saddr ether != 52:54:00:00:00:01 drop
                }
                chain to-net0 {
                    type filter hook ingress device "tap0" priority filter; policy accept;
                    limit rate over 125000 bytes/second burst 3036 bytes drop
                }
            }

            """
        #expect(try script(rate: 125_000, filter: "mac", isMacvtap: true) == expected)
    }

    /// The limit also applies to what the filter accepts.
    @Test func theLimitComesFirst() throws {
        let rules = try script(rate: 125_000, filter: "ip=192.0.2.7", addresses: ["192.0.2.7"])
        let lines = rules.split(separator: "\n")
        let limit = try #require(lines.firstIndex { $0.contains("limit rate") })
        let accepted = try #require(lines.firstIndex { $0.hasSuffix(" accept") })
        #expect(limit < accepted)
    }

    @Test func aLimitAloneIsOneRule() throws {
        let rules = try script(rate: 125_000)
        #expect(rules.contains("hook ingress device \"tap0\" priority filter; policy accept;\n        limit rate over"))
        #expect(!rules.contains("saddr"))
    }
}

@Suite struct NeighbourAddressTests {
    private func collide(_ left: String, _ right: String) -> Bool {
        let mac = "52:54:00:00:00:01"
        let stations = [left, right].map { OtherVM.Address(network: $0, mac: mac).station }
        return stations[0] == stations[1]
    }

    @Test func aMacvtapOnABridgeIsOnTheBridgesNetwork() {
        #expect(collide("bridge:br0", "macvtap:br0"))
        #expect(collide("macvtap:eth0", "macvtap:eth0"))
        #expect(collide("nat", "nat") && collide("isolated:lab", "isolated:lab"))
        #expect(!collide("macvtap:eth0", "macvtap:eth1"))
        #expect(!collide("isolated:nat", "nat") && !collide("isolated:br0", "bridge:br0"))
    }
}
