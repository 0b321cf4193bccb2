import Testing

@testable import BridgeNet

/// Plans for an uplink, without a kernel.
@Suite struct UplinkPlanTests {
    private let br0: InterfaceName
    private let eth0: InterfaceName
    private let mac: MACAddress
    private let hardware: MACAddress

    init() throws {
        br0 = try .known("br0")
        eth0 = try .known("eth0")
        mac = try #require(MACAddress("02:00:00:00:00:01"))
        hardware = try #require(MACAddress("52:54:00:00:00:09"))
    }

    private func link(_ index: UInt32, _ name: String, kind: String? = nil, controller: UInt32? = nil) -> Link {
        Link(index: index, name: name, kind: kind, mac: hardware, isUp: true, controller: controller)
    }

    private func bridge(_ index: UInt32 = 5, _ name: String = "br0") -> Link {
        var link = Link(index: index, name: name, kind: "bridge", mac: hardware, isUp: true)
        link.bridge = BridgeOptions(spanningTree: false, forwardDelay: 0, vlanFiltering: false)
        return link
    }

    private func wanted(
        uplink: String? = "eth0", mtu: Int? = nil, addresses: [String] = [], gateways: [String] = [],
        spanningTree: Bool = false
    ) throws -> ConnectedBridge {
        ConnectedBridge(
            try BridgeSpec(name: br0, mac: mac, mtu: mtu), uplink: uplink.flatMap { DeviceName($0) },
            addresses: addresses.compactMap { IPPrefix($0) }, gateways: gateways.compactMap { IPAddress($0) },
            spanningTree: spanningTree)
    }

    private func address(_ text: String, link: UInt32 = 2, label: String? = nil) throws -> InterfaceAddress {
        InterfaceAddress(try #require(IPPrefix(text)), link: link, label: label)
    }

    @Test func aPlainUplinkJoinsWithItsMAC() throws {
        let plan = try UplinkPlan.up(wanted(), found: NetworkState(links: [link(2, "eth0")]))
        let join = NetworkOperation.change(
            eth0, from: LinkSettings(controller: 0), to: LinkSettings(controller: 3))
        #expect(plan == [.createBridge(br0, mac: hardware, index: 3), join])
    }

    @Test func askingTwiceIsFine() throws {
        let found = NetworkState(links: [link(2, "eth0", controller: 5), bridge()])
        #expect(try UplinkPlan.up(wanted(), found: found) == [])
    }

    @Test func anAddressIsMadeBeforeTheSwitchAndTakenAfterIt() throws {
        let old = try address("10.0.0.5/24", label: "eth0:1")
        let new = try address("10.0.0.5/24", link: 3, label: "br0:1")
        let plan = try UplinkPlan.up(wanted(), found: NetworkState(links: [link(2, "eth0")], addresses: [old]))
        let join = NetworkOperation.change(
            eth0, from: LinkSettings(controller: 0), to: LinkSettings(controller: 3))
        // The kernel adds a route to the new address's network. Somebody has removed the old one, so it must not come
        // back.
        let route = try #require(new.kernelRoutes(on: 3).first)
        #expect(
            plan == [
                .createBridge(br0, mac: hardware, index: 3), .add(.address(new), on: br0), join,
                .remove(.route(route), on: br0), .remove(.address(old), on: eth0),
            ])
    }

    @Test func anIPv6AddressIsNotAskedOfOthers() throws {
        let old = try address("2001:db8::5/64")
        var quiet = old
        quiet.flags = .withoutDuplicateDetection
        let routes = old.kernelRoutes(on: 2)
        let found = NetworkState(links: [link(2, "eth0")], addresses: [old], routes: routes)
        let plan = try UplinkPlan.up(wanted(), found: found)
        #expect(plan[1] == .changeAddress(eth0, from: old, to: quiet))
        #expect(plan.last.map { "\($0)" } == "set flags and lifetime on br0: 2001:db8::5/64")
        // On a rollback there is no duplicate address detection either.
        #expect(plan.contains(.remove(.address(quiet), on: eth0)))
    }

    @Test func routersAreWithinReachBeforeTheRoutesThroughThem() throws {
        var direct = try #require(try address("10.7.0.1/16").kernelRoutes(on: 2).first)
        direct.origin = 4
        let route = Route(defaultVia: try #require(IPAddress("10.7.0.1")), link: 2)
        let found = NetworkState(links: [link(2, "eth0")], routes: [route, direct])
        let plan = try UplinkPlan.up(wanted(), found: found).suffix(4)
        let order: [NetworkOperation] = [
            .add(.route(direct.moved(from: 2, to: 3)), on: br0), .add(.route(route.moved(from: 2, to: 3)), on: br0),
            .remove(.route(route), on: eth0), .remove(.route(direct), on: eth0),
        ]
        #expect(Array(plan) == order)
    }

    @Test func theKernelsOwnRoutesComeByThemselves() throws {
        let own = try address("10.0.0.5/24")
        let local = Route(
            family: .ipv4, destinationLength: 32, sourceLength: 0, typeOfService: 0, origin: 2, scope: 254, kind: 2,
            flags: 0, attributes: [.number(RouteWire.table, UInt32(255)), .number(RouteWire.output, UInt32(2))])
        let found = NetworkState(
            links: [link(2, "eth0")], addresses: [own], routes: own.kernelRoutes(on: 2) + [local])
        let plan = try UplinkPlan.up(wanted(), found: found)
        #expect(!plan.contains { "\($0)".contains("route") })
    }

    @Test func spanningTreeBeginsLast() throws {
        let plan = try UplinkPlan.up(wanted(spanningTree: true), found: NetworkState(links: [link(2, "eth0")]))
        #expect(plan.suffix(2).map { "\($0)" } == ["set br0: forward delay 2 s", "set br0: spanning tree"])
    }

    @Test func downIsTheWayBack() throws {
        let own = try address("10.0.0.5/24", link: 5, label: "br0")
        let found = NetworkState(
            links: [link(2, "eth0", controller: 5), bridge()], addresses: [own], routes: own.kernelRoutes(on: 5))
        let leave = NetworkOperation.change(
            eth0, from: LinkSettings(controller: 5), to: LinkSettings(controller: 0))
        #expect(
            try UplinkPlan.down(br0, found: found) == [
                .add(.address(try address("10.0.0.5/24", label: "eth0")), on: eth0), leave,
                .remove(.address(own), on: br0), .delete(br0),
            ])
    }

    @Test func downWithAVMOnItIsRefused() throws {
        var tap = link(7, "tap0", kind: "tun", controller: 5)
        tap.alias = "web"
        let found = NetworkState(links: [link(2, "eth0", controller: 5), bridge(), tap])
        let error = #expect(throws: NetworkError.self) { try UplinkPlan.down(br0, found: found) }
        #expect(error?.code == .busy)
        #expect(error?.reason == "it still has ports: tap0 (web)")
    }

    @Test(arguments: [
        ("eth9", "there is no such device"), ("br0", "a bridge can't be its own uplink"),
        ("tap0", "it is the tap of the VM web, which leads into a VM, not outside"),
        ("br1", "a bridge can't be a port of a bridge"), ("eth1", "it is a port of bridge br1"),
        ("lo", "it is the loopback"), ("tun6", "it carries no Ethernet frames"),
        (
            "wlan0",
            "it is Wi-Fi, which can't be bridged: an access point accepts frames only from its stations' MACs"
        ),
    ])
    func refusesWhatCanNotBeOne(_ name: String, _ reason: String) throws {
        var tap = link(7, "tap0", kind: "tun")
        tap.alias = "web"
        var loopback = link(1, "lo")
        var tunnel = link(8, "tun6", kind: "sit")
        (loopback.isEthernet, tunnel.isEthernet) = (false, false)
        let found = NetworkState(
            links: [
                loopback, bridge(6, "br1"), link(3, "eth1", controller: 6), tap, tunnel, link(9, "wlan0"),
            ], wireless: [9])
        let error = #expect(throws: NetworkError.self) { try UplinkPlan.up(wanted(uplink: name), found: found) }
        #expect(error?.reason == reason)
        #expect(error?.remedy != nil)
    }

    @Test func aSecondUplinkIsRefused() throws {
        let found = NetworkState(links: [link(2, "eth0"), link(3, "eth1", controller: 5), bridge()])
        let error = #expect(throws: NetworkError.self) { try UplinkPlan.up(wanted(), found: found) }
        #expect(error?.description.hasPrefix("br0: making eth0 its uplink: it has the uplink eth1") == true)
    }

    @Test func aBridgeIsNotLargerThanItsUplink() throws {
        let found = NetworkState(links: [link(2, "eth0")])
        let error = #expect(throws: NetworkError.self) { try UplinkPlan.up(wanted(mtu: 9000), found: found) }
        #expect(error?.remedy == .raiseMTU(of: try .known("eth0"), to: 9000))
    }

    @Test func aBridgeTakesTheMTUOfAnUplinkThatHasAnotherThanUsual() throws {
        var jumbo = link(2, "eth0")
        jumbo.mtu = 9000
        let plan = try UplinkPlan.up(wanted(), found: NetworkState(links: [jumbo]))
        #expect(plan[1] == .change(br0, from: LinkSettings(mtu: 1500), to: LinkSettings(mtu: 9000)))
    }

    @Test func aRouteOnANexthopObjectIsRefused() throws {
        var route = Route(defaultVia: try #require(IPAddress("10.0.0.1")), link: 2)
        route.attributes.append(.number(RouteWire.nexthopObject, UInt32(1)))
        let found = NetworkState(links: [link(2, "eth0")], routes: [route])
        let error = #expect(throws: NetworkError.self) { try UplinkPlan.up(wanted(), found: found) }
        #expect(error?.code == .unsupported)
    }

    @Test func addressesAndGatewayWithoutAnUplink() throws {
        let wanted = try wanted(uplink: nil, addresses: ["10.0.0.5/24"], gateways: ["10.0.0.1"])
        let plan = try UplinkPlan.up(wanted, found: NetworkState(links: [link(2, "eth0")]))
        let route = Route(defaultVia: try #require(IPAddress("10.0.0.1")), link: 3)
        #expect(
            plan == [
                .createBridge(br0, mac: mac, index: 3),
                .add(.address(try address("10.0.0.5/24", link: 3, label: "br0")), on: br0),
                .add(.route(route), on: br0),
            ])
        let there = NetworkState(
            links: [bridge()], addresses: [try address("10.0.0.5/24", link: 5)],
            routes: [route.moved(from: 3, to: 5)])
        #expect(try UplinkPlan.up(wanted, found: there) == [])
    }

    /// As with hosting providers that route single addresses.
    @Test(arguments: [("192.0.2.7/32", "172.31.1.1"), ("2001:db8::7/128", "2001:db8:ffff::1")])
    func aSingleAddressReachesARouterBeyondIt(_ address: String, _ gateway: String) throws {
        let wanted = try wanted(uplink: nil, addresses: [address], gateways: [gateway])
        let plan = try UplinkPlan.up(wanted, found: NetworkState(links: []))
        let router = try #require(IPAddress(gateway))
        #expect(plan.last == .add(.route(Route(defaultVia: router, link: 1, isOnLink: true)), on: br0))
    }

    /// A single address of the other family does not count.
    @Test func aSingleAddressOfTheOtherFamilyReachesNothing() throws {
        let wanted = try wanted(uplink: nil, addresses: ["2001:db8::7/128", "10.0.0.5/24"], gateways: ["10.9.0.1"])
        let error = #expect(throws: NetworkError.self) { try UplinkPlan.up(wanted, found: NetworkState(links: [])) }
        #expect(error?.code == .invalid && error?.remedy?.description.contains("one of /32") == true)
    }

    @Test func anUplinkIsFoundByItsOtherName() throws {
        var named = link(2, "eth0")
        named.alternativeNames = ["enp0s20f0u1u2u3i5"]
        let plan = try UplinkPlan.up(wanted(uplink: "enp0s20f0u1u2u3i5"), found: NetworkState(links: [named]))
        let join = NetworkOperation.change(
            eth0, from: LinkSettings(controller: 0), to: LinkSettings(controller: 3))
        #expect(plan.last == join)
        var itself = bridge()
        itself.alternativeNames = ["wan"]
        let error = #expect(throws: NetworkError.self) {
            try UplinkPlan.up(wanted(uplink: "wan"), found: NetworkState(links: [itself]))
        }
        #expect(error?.reason == "a bridge can't be its own uplink")
    }

    /// A bridge that took its uplink's address by itself gets it set explicitly.
    @Test func anAddressThatWasOnlyTakenIsGiven() throws {
        var taking = bridge()
        taking.keepsMAC = false
        let found = NetworkState(links: [link(2, "eth0", controller: 5), taking])
        #expect(
            try UplinkPlan.up(wanted(), found: found) == [
                .change(br0, from: LinkSettings(mac: hardware), to: LinkSettings(mac: hardware))
            ])
    }

    @Test func downWithALinkOnItIsRefused() throws {
        var vlan = Link(index: 8, name: "br0.10", kind: "vlan", isUp: true)
        vlan.lower = 5
        let found = NetworkState(links: [link(2, "eth0", controller: 5), bridge(), vlan])
        let error = #expect(throws: NetworkError.self) { try UplinkPlan.down(br0, found: found) }
        #expect(error?.code == .busy && error?.reason == "there are links on it: br0.10")
    }

    @Test(arguments: [
        ("10.9.0.1", "the bridge has no address in its network"),
        ("10.0.0.5", "that is the host's own address"),
        ("10.0.0.1", "there is a default route already: default via 10.3.0.1 dev eth1"),
    ])
    func refusesAGateway(_ gateway: String, _ reason: String) throws {
        let other = Route(defaultVia: try #require(IPAddress("10.3.0.1")), link: 3)
        let found = NetworkState(links: [link(2, "eth0"), link(3, "eth1")], routes: [other])
        let wanted = try wanted(addresses: ["10.0.0.5/24"], gateways: [gateway])
        let error = #expect(throws: NetworkError.self) { try UplinkPlan.up(wanted, found: found) }
        #expect(error?.reason == reason)
    }
}
