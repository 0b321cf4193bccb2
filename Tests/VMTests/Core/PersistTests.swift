import BridgeNet
import Testing

@testable import VMCore
@testable import VMHost
@testable import VMLife

/// The files that the network services get for a bridge, and who owns them.
@Suite struct PersistTests {
    private static func bridge(_ change: (inout BridgeConfiguration) throws -> Void) throws -> BridgeConfiguration {
        var bridge = BridgeConfiguration(
            name: try #require(InterfaceName("br0")), mac: MACAddress(bits: 0x02_00_00_00_00_05), mtu: 1500,
            hasSpanningTree: false, forwardDelay: 0, isVLANAware: false, uplinks: [], ipv4: .init(), ipv6: .init())
        try change(&bridge)
        return bridge
    }

    private static func route(_ destination: String, via gateway: String?) throws -> BridgeConfiguration.Route {
        .init(
            destination: try #require(IPPrefix(destination)), gateway: try gateway.map { try #require(IPAddress($0)) })
    }

    /// A bridge with everything that can be configured.
    private static func full() throws -> BridgeConfiguration {
        try bridge { bridge in
            bridge.mtu = 9000
            (bridge.hasSpanningTree, bridge.forwardDelay, bridge.isVLANAware) = (true, 1550, true)
            bridge.uplinks = try ["eth0", "eth1.5"].map { try #require(InterfaceName($0)) }
            bridge.ipv4.addresses = try ["192.0.2.2/24", "192.0.2.3/24"].map { try #require(IPPrefix($0)) }
            bridge.ipv6.addresses = [try #require(IPPrefix("2001:db8::2/64"))]
            bridge.ipv4.routes = [
                try route("0.0.0.0/0", via: "192.0.2.1"), try route("198.51.100.0/24", via: "203.0.113.1"),
            ]
            bridge.ipv4.routes[0].metric = 100
            bridge.ipv4.routes[1].table = 77
            bridge.ipv4.routes[1].source = IPAddress("192.0.2.3")
            bridge.ipv4.routes[1].isOnLink = true
            bridge.ipv6.routes = [try route("::/0", via: "fe80::1"), try route("2001:db8:1::/48", via: nil)]
        }
    }

    /// A host on DHCP.
    private static func leased() throws -> BridgeConfiguration {
        try bridge { bridge in
            bridge.uplinks = [try #require(InterfaceName("eth0"))]
            (bridge.ipv4.isDynamic, bridge.ipv6.isDynamic) = (true, true)
        }
    }

    @Test(arguments: NetworkService.allCases)
    func tellsEachService(_ service: NetworkService) throws {
        let names = Nameservers(servers: ["192.0.2.53", "2001:db8::53"], domains: ["example.org", "example.net"])
        let cases = [
            ("full", try Self.full(), names), ("leased", try Self.leased(), names),
            ("private", try Self.bridge { _ in }, Nameservers()),
        ]
        for (name, bridge, names) in cases {
            let text = service.files(bridge, names).map {
                "== \($0.path) 0\(String($0.permissions, radix: 8))\n\($0.text)"
            }
            try Golden.expect(text.joined(separator: "\n"), "persist/\(service.rawValue)-\(name).txt")
        }
    }

    @Test func aMarkTellsWhoseAFileIs() throws {
        let bridge = try #require(InterfaceName("br0"))
        let text = MarkedText.mark("[Match]\nName=br0\n", for: bridge)
        #expect(MarkedText.owner(of: text) == .ours("br0"))
        #expect(MarkedText.owner(of: text + "\n") == .edited("br0"))
        #expect(MarkedText.owner(of: text.replacing("Name=br0", with: "Name=br1")) == .edited("br0"))
        #expect(MarkedText.owner(of: String(text.drop { $0 != "\n" })) == .foreign)
        for length in 0..<text.utf8.count {
            #expect(MarkedText.owner(of: String(text.prefix(length))) != .ours("br0"), "\(length)")
        }
    }

    @Test func aPlanTouchesNothingButItsOwn() throws {
        let (br0, br1) = (try #require(InterfaceName("br0")), try #require(InterfaceName("br1")))
        let wanted = [ConfigurationFile(path: "/etc/a", text: MarkedText.mark("new\n", for: br0))]
        let others: [PersistPlan.Found] = [
            .init(path: "/etc/b", text: "somebody's\n"), .init(path: "/etc/c", text: MarkedText.mark("", for: br1)),
            .init(path: "/etc/d", text: nil),
        ]
        let stale = PersistPlan.Found(path: "/etc/e", text: MarkedText.mark("old\n", for: br0))
        let plan = try PersistPlan(wanted, for: br0, found: others + [stale])
        #expect(plan.writes == wanted && plan.removals == ["/etc/e"])
        #expect(try PersistPlan(removing: br0, found: others + [stale]).removals == ["/etc/e"])
        let there = PersistPlan.Found(path: "/etc/a", text: wanted[0].text)
        #expect(try PersistPlan(wanted, for: br0, found: others + [there]).isEmpty)
        let another = PersistPlan.Found(path: "/etc/a", text: MarkedText.mark("new\n", for: br1))
        let refused = #expect(throws: VMError.self) { try PersistPlan(wanted, for: br0, found: [another]) }
        #expect(refused?.code == .cannotCreate)
    }

    @Test func choosesWhatTheHostUses() throws {
        func facts(_ service: NetworkService, _ evidence: ServiceFacts.Evidence?) -> ServiceFacts {
            ServiceFacts(service: service, evidence: evidence)
        }
        func chosen(_ found: [ServiceFacts], _ asked: NetworkService? = nil) throws -> NetworkService {
            try ServiceFacts.choose(from: found, asked: asked, bridge: "br0").service
        }
        let (networkd, ifupdown) = (facts(.networkd, .isInUse), facts(.ifupdown, .configuresLink))
        #expect(try chosen([networkd, ifupdown, facts(.networkmanager, nil)]) == .ifupdown)
        #expect(try chosen([networkd, facts(.ifupdown, nil)]) == .networkd)
        #expect(try chosen([networkd, ifupdown], .networkd) == .networkd)
        let unclear = #expect(throws: VMError.self) { try chosen([networkd, facts(.networkmanager, .isInUse)]) }
        #expect(unclear?.code == .busy && unclear?.cause.contains("systemd-networkd and NetworkManager") == true)
        let none = #expect(throws: VMError.self) { try chosen([facts(.networkd, nil), facts(.ifupdown, nil)]) }
        #expect(none?.code == .unavailable)
    }

    @Test func whatIsAboutOtherLinksTooIsNotMovedAway() {
        func advice(_ file: String, isShared: Bool) -> String {
            ConfiguredPlace(file: file, link: "eth0", givesWay: false, isShared: isShared).advice
        }
        let etc = "/etc/systemd/network"
        #expect(
            advice("\(etc)/01-eth0.network", isShared: false).hasSuffix(
                "`mv --no-clobber \(etc)/01-eth0.network /root/`"))
        #expect(
            advice("\(etc)/01-all.network", isShared: true).hasSuffix(
                "`mv --no-clobber \(etc)/01-all.network \(etc)/90-01-all.network`"))
        #expect(
            advice("/usr/lib/systemd/network/01-all.network", isShared: true).hasSuffix(
                "`cp --no-clobber /usr/lib/systemd/network/01-all.network \(etc)/90-01-all.network "
                    + "&& ln -s /dev/null \(etc)/01-all.network`"))
    }

    @Test func readsInterfacesAsFarAsNeeded() {
        let found = InterfacesText(
            """
            # iface eth9 inet dhcp
            source interfaces.d/*
            source-directory more
            auto lo eth0
            iface lo inet loopback
            iface eth0 inet \\
                static
                # a comment
                address 192.0.2.2/24
                dns-nameservers 192.0.2.53 192.0.2.54

            allow-hotplug eth1
            iface eth1 inet6 auto
                dns-search example.org
            mapping eth2
                script x
            """)
        #expect(found.sources == ["interfaces.d/*"] && found.directories == ["more"])
        #expect(found.stanzas.map(\.link) == ["lo", "eth0", "eth1"])
        #expect(found.stanzas.map(\.lines) == [5...5, 6...10, 13...14])
        #expect(found.stanzas[1].nameservers.servers == ["192.0.2.53", "192.0.2.54"])
        #expect(found.stanzas[2].nameservers.domains == ["example.org"])
    }

    @Test func readsSectionsAsFarAsNeeded() {
        let found = SectionedText(
            "stray=1\n[Match]\n; c\n#c\nName = en*  eth0\nName=x\n[Network]\nDNS=1.1.1.1;2.2.2.2;\nodd\n")
        #expect(found.words("Match", "Name") == ["en*", "eth0", "x"])
        #expect(found.words("Network", "DNS") == ["1.1.1.1", "2.2.2.2"])
        #expect(found.keys("Match") == ["Name"] && found.keys("Link").isEmpty)
    }

    @Test func nameserversOfOthersCantInject() {
        var names = Nameservers()
        names.add(["192.0.2.53", "192.0.2.53", "$(reboot)", "fe80::1%eth0"], ["a.example", "b`c`"])
        #expect(names == Nameservers(servers: ["192.0.2.53", "fe80::1%eth0"], domains: ["a.example"]))
    }
}
