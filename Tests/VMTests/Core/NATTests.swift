import BridgeNet
import SystemPackage
import Testing

@testable import VMCore

/// The pure parts of the network `nat`.
@Suite struct NATTests {
    private static func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }
    private static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test(
        arguments: [
            ([], "10.213.0.1/24"),
            (["192.168.1.5/24", "10.0.0.0/16", "fd00::/8"], "10.213.0.1/24"),
            (["10.213.0.7/24"], "10.213.1.1/24"),
            (["10.213.0.200/32", "10.213.1.128/25"], "10.213.2.1/24"),
            // A VPN that takes all of 10.0.0.0/8, and one that takes everything in two halves.
            (["10.0.0.0/8"], "172.29.0.1/24"),
            (["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"], "10.213.0.1/24"),
            (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/17"], "192.168.128.1/24"),
            (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], nil),
        ] as [([String], String?)])
    func theNetworkOverlapsNoneOfTheHosts(_ used: [String], _ expected: String?) throws {
        let found = NATAddressing.prefix(avoiding: try used.map(Self.prefix))
        #expect(found?.description == expected)
    }

    @Test func aGuestKeepsItsAddressAndNoTwoShareOne() throws {
        let network = try Self.prefix("10.213.0.1/24")
        let mac = MACAddress(bits: 0x5254_0000_0001)
        let first = try #require(NATAddressing.address(for: mac, in: network, avoiding: []))
        #expect(NATAddressing.address(for: mac, in: network, avoiding: []) == first)
        var taken: Set<IPAddress> = []
        for _ in 2...254 {
            let next = try #require(NATAddressing.address(for: mac, in: network, avoiding: taken))
            #expect(network.contains(next) && !taken.contains(next))
            taken.insert(next)
        }
        let reserved = try ["10.213.0.0", "10.213.0.1", "10.213.0.255"].map(Self.address)
        #expect(taken.isDisjoint(with: reserved))
        #expect(NATAddressing.address(for: mac, in: network, avoiding: taken) == nil)
    }

    @Test(
        arguments: [
            ("web", "web"), ("Web_1.lan", "Web-1-lan"), ("_x_", "x"), ("...", nil), ("a--b", "a--b"),
            (String(repeating: "x", count: 64), String(repeating: "x", count: 63)),
        ] as [(String, String?)])
    func aVMsNameBecomesAHostName(_ name: String, _ expected: String?) throws {
        #expect(NATAddressing.hostName(of: try #require(VMName(name))) == expected)
    }

    @Test func whatOthersHaveIsReadFromLeasesAndHosts() throws {
        let own = MACAddress(bits: 0x5254_0000_0001)
        let lines: [Substring] = [
            "52:54:00:00:00:02,10.213.0.2,web", "52:54:00:00:00:03,10.213.0.3",
            "1795260730 52:54:00:00:00:04 10.213.0.4 db 01:52:54:00:00:00:04",
            "1795260730 52:54:00:00:00:01 10.213.0.5 me *", "duid 00:01", "", "garbage \u{1b}[31m, 10.0.0",
        ]
        let expected = try ["10.213.0.2", "10.213.0.3", "10.213.0.4"].map(Self.address)
        #expect(NATServer.taken(by: lines, besides: [own]) == Set(expected))
    }

    @Test func aForwardIsForPacketsThatArriveAndForTheHostsOwn() throws {
        let forwards = try ["tcp:127.0.0.1:2222:22", "udp::53:5353", "tcp:0.0.0.0:80:8080"].map {
            try ParamsDecoder.forward($0)
        }
        let rules = NATRules.forwards(
            forwards, of: try #require(VMName("web-1")), to: try Self.address("10.213.0.5"))
        #expect(
            rules == """
                add table ip kvmctl_forward.web-1
                delete table ip kvmctl_forward.web-1
                table ip kvmctl_forward.web-1 {
                    chain prerouting {
                        type nat hook prerouting priority dstnat; policy accept;
                        ip daddr 127.0.0.1 tcp dport 2222 dnat to 10.213.0.5:22
                        fib daddr type local udp dport 53 dnat to 10.213.0.5:5353
                        fib daddr type local tcp dport 80 dnat to 10.213.0.5:8080
                    }
                    chain output {
                        type nat hook output priority -100; policy accept;
                        ip daddr 127.0.0.1 tcp dport 2222 dnat to 10.213.0.5:22
                        fib daddr type local udp dport 53 dnat to 10.213.0.5:5353
                        fib daddr type local tcp dport 80 dnat to 10.213.0.5:8080
                    }
                }

                """)
    }

    @Test func theServerHearsOfEveryStationAndTheGuestsOfASmallMTU() throws {
        let stations = [
            NATMember.Station(
                nic: 0, mac: MACAddress(bits: 0x5254_0000_0001), address: try Self.address("10.213.0.5")),
            NATMember.Station(
                nic: 2, mac: MACAddress(bits: 0x5254_0000_0002), address: try Self.address("10.213.0.6")),
        ]
        #expect(
            NATServer.hostLines(stations)
                == "52:54:00:00:00:01,10.213.0.5\n52:54:00:00:00:02,10.213.0.6\n")
        #expect(NATServer.nameLine(stations, name: "web") == "10.213.0.5 web\n")
        #expect(NATServer.nameLine(stations, name: nil) == "")
        let server = NATServer(
            bridge: try #require(InterfaceName("kvmnat0")), prefix: try Self.prefix("10.213.0.1/24"), mtu: 1450,
            directory: "/run/kvmctl/nat", user: "dnsmasq", group: "nogroup")
        #expect(server.arguments.contains("--dhcp-range=10.213.0.0,static,255.255.255.0,1h"))
        #expect(server.arguments.last == "--dhcp-option=option:mtu,1450")
    }
}
