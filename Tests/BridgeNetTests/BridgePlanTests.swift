import Testing

@testable import BridgeNet

@Suite struct BridgePlanTests {
    private let name: InterfaceName
    private let mac: MACAddress
    private let loopback = Link(index: 1, name: "lo", mtu: 65536, isUp: true)

    init() throws {
        name = try #require(InterfaceName("br0"))
        mac = try #require(MACAddress("02:00:00:00:00:01"))
    }

    private func bridge(mtu: Int = 1500, isUp: Bool = true) -> Link {
        Link(index: 5, name: "br0", kind: "bridge", mac: mac, mtu: mtu, isUp: isUp)
    }

    @Test func createsWhatIsMissing() throws {
        let wanted = try BridgeSpec(name: name, mac: mac)
        #expect(try BridgePlan.up(wanted, found: [loopback]) == [.createBridge(name, mac: mac)])
    }

    @Test func setsAnMTUAfterTheCreation() throws {
        let plan = try BridgePlan.up(BridgeSpec(name: name, mac: mac, mtu: 9000), found: [])
        let change = NetworkOperation.change(name, from: LinkSettings(mtu: 1500), to: LinkSettings(mtu: 9000))
        #expect(plan == [.createBridge(name, mac: mac), change])
        #expect(plan.map(\.inverse) == [.delete(name), .change(name, from: .init(mtu: 9000), to: .init(mtu: 1500))])
    }

    @Test func askingTwiceIsFine() throws {
        #expect(try BridgePlan.up(BridgeSpec(name: name, mac: mac), found: [loopback, bridge()]) == [])
        let jumbo = try BridgeSpec(name: name, mac: mac, mtu: 9000)
        #expect(try BridgePlan.up(jumbo, found: [bridge(mtu: 9000)]) == [])
    }

    @Test func changesOnlyWhatDiffers() throws {
        let plan = try BridgePlan.up(BridgeSpec(name: name, mac: mac, mtu: 9000), found: [bridge(isUp: false)])
        let from = LinkSettings(mtu: 1500, isUp: false)
        #expect(plan == [.change(name, from: from, to: LinkSettings(mtu: 9000, isUp: true))])
    }

    @Test func aBridgeKeepsItsMACUnlessToldOtherwise() throws {
        let other = try #require(MACAddress("02:00:00:00:00:02"))
        #expect(try BridgePlan.up(BridgeSpec(name: name, mac: other), found: [bridge()]) == [])
        let plan = try BridgePlan.up(BridgeSpec(name: name, mac: other, replacesMAC: true), found: [bridge()])
        #expect(plan == [.change(name, from: LinkSettings(mac: mac), to: LinkSettings(mac: other))])
    }

    @Test(arguments: [("veth", "a device of kind veth"), (nil, "a network device")])
    func refusesAnotherDevice(kind: String?, words: String) {
        let other = Link(index: 2, name: "br0", kind: kind)
        let up = #expect(throws: NetworkError.self) {
            try BridgePlan.up(BridgeSpec(name: name, mac: mac), found: [other])
        }
        #expect(up?.code == .exists)
        #expect(up?.reason == "the name belongs to \(words), not a bridge")
        let down = #expect(throws: NetworkError.self) { try BridgePlan.down(name, found: [other]) }
        #expect(down?.code == .exists)
    }

    @Test func deletesABridgeWithoutPorts() throws {
        let elsewhere = Link(index: 6, name: "tap9", controller: 8)
        #expect(try BridgePlan.down(name, found: [loopback, bridge(), elsewhere]) == [.delete(name)])
        #expect(try BridgePlan.down(name, found: [loopback]) == [])
    }

    @Test func namesThePortsOfABridgeInUse() {
        let ports = (0..<10).map {
            Link(index: 10 + $0, name: "tap\($0)", controller: 5, alias: $0 == 1 ? nil : "vm\($0)")
        }
        let few = #expect(throws: NetworkError.self) { try BridgePlan.down(name, found: [bridge()] + ports.prefix(2)) }
        #expect(few?.code == .busy)
        #expect(few?.reason == "it still has ports: tap0 (vm0), tap1")
        let many = #expect(throws: NetworkError.self) { try BridgePlan.down(name, found: [bridge()] + ports) }
        #expect(many?.reason.hasSuffix("tap7 (vm7) and 2 more") == true)
    }
}
