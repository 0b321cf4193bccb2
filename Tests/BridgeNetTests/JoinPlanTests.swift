import Testing

@testable import BridgeNet

@Suite struct JoinPlanTests {
    private let bridge: InterfaceName
    private let tap: InterfaceName
    private let found = Link(index: 5, name: "br0", kind: "bridge", mtu: 9000, isUp: true)
    private let own = MACAddress(bits: 0x02_11_22_33_44_55)
    private let high = MACAddress(bits: 0xfe_ff_22_33_44_55)

    init() throws {
        bridge = try #require(InterfaceName("br0"))
        tap = try #require(InterfaceName("tap0"))
    }

    private func plan(
        mtu: Int? = nil, alias: String = "web", found: Link?
    ) throws(NetworkError) -> [NetworkOperation] {
        let fresh = Link(index: 7, name: "tap0", kind: "tun", mac: own)
        return try JoinPlan(tap: tap, fresh: fresh, alias: alias, mtu: mtu).operations(bridge: bridge, found: found)
    }

    @Test func takesTheMTUOfTheBridgeBeforeJoining() throws {
        let prepare = NetworkOperation.change(
            tap, from: LinkSettings(mac: own, mtu: 1500, alias: "", addressGeneration: .fromMAC),
            to: LinkSettings(mac: high, mtu: 9000, alias: "web", addressGeneration: .off))
        let join = NetworkOperation.change(
            tap, from: LinkSettings(controller: 0, isUp: false), to: LinkSettings(controller: 5, isUp: true))
        #expect(try plan(found: found) == [prepare, join])
    }

    @Test func aSmallerPortDoesNotShrinkTheBridge() throws {
        let same = LinkSettings(mtu: 9000)
        #expect(try plan(mtu: 1400, found: found).last == .change(bridge, from: same, to: same))
    }

    /// A bridge to which nobody gave an address keeps the one it has.
    @Test(arguments: [
        ("02:00:00:00:00:01", "fe:ff:22:33:44:55"), ("f2:00:00:00:00:01", "fe:ff:22:33:44:55"),
        ("fe:ff:ff:ff:ff:ff", "fe:ff:ff:ff:ff:ff"),
    ])
    func aTapIsNeverTheLowestPort(_ bridgeMAC: String, _ wanted: String) throws {
        var other = found
        other.mac = MACAddress(bridgeMAC)
        let macs = try plan(found: other).map { operation in
            if case .change(_, _, let settings) = operation { settings.mac } else { MACAddress?.none }
        }
        #expect(macs == [MACAddress(wanted), nil])
    }

    @Test func aMissingBridgeSaysHowToMakeIt() {
        let error = #expect(throws: NetworkError.self) { try plan(found: nil) }
        #expect(error?.code == .notFound)
        #expect(error?.description == "tap0: joining bridge br0: there is no bridge br0; create the bridge br0")
    }

    @Test func aBridgeThatIsDownIsRefused() throws {
        var down = found
        down.isUp = false
        let error = #expect(throws: NetworkError.self) { try plan(found: down) }
        #expect(error?.code == .busy)
        #expect(error?.remedy == .bringUp(bridge: try .known("br0")))
    }

    @Test func anotherDeviceIsRefused() {
        let error = #expect(throws: NetworkError.self) { try plan(found: Link(index: 5, name: "br0", kind: "bond")) }
        #expect(error?.code == .exists)
        #expect(error?.reason == "br0 is a device of kind bond, not a bridge")
    }

    @Test(arguments: [67, 9001, -1])
    func anMTUThatTheBridgeCanNotCarryIsRefused(mtu: Int) {
        #expect(throws: NetworkError.self) { try plan(mtu: mtu, found: found) }
    }

    @Test func anAliasHasALimit() throws {
        _ = try plan(alias: String(repeating: "a", count: 255), found: found)
        #expect(throws: NetworkError.self) { try plan(alias: String(repeating: "a", count: 256), found: found) }
    }
}
