import Testing

@testable import BridgeNet

/// The VLANs of a bridge's port: the requests byte for byte, and their order.
@Suite struct PortVLANTests {
    private let tap: InterfaceName
    private let bridge: InterfaceName

    init() throws {
        tap = try #require(InterfaceName("tap0"))
        bridge = try #require(InterfaceName("br0"))
    }

    @Test func anAccessPortSendsWithoutTag() {
        let wanted = hex(
            """
            2c 00 00 00  13 00  05 00  01 00 00 00  00 00 00 00  // 44 bytes, RTM_SETLINK, REQUEST|ACK
            07 00 00 00  09 00 00 00  00 00 00 00  00 00 00 00   // AF_BRIDGE, port 9
            0c 00 1a 80                                          // IFLA_AF_SPEC, nested
              08 00 02 00  06 00  0a 00                          //   IFLA_BRIDGE_VLAN_INFO: PVID|UNTAGGED, VLAN 10
            """)
        #expect(LinkRequest.add(PortVLANEntry(port: 9, vlans: .access(10))).encoded(sequence: 1) == wanted)
    }

    @Test func aTrunkNamesRangesByTheirEnds() {
        let wanted = hex(
            """
            3c 00 00 00  13 00  05 00  01 00 00 00  00 00 00 00  // 60 bytes, RTM_SETLINK, REQUEST|ACK
            07 00 00 00  09 00 00 00  00 00 00 00  00 00 00 00   // AF_BRIDGE, port 9
            1c 00 1a 80                                          // IFLA_AF_SPEC, nested
              08 00 02 00  00 00  0a 00                          //   IFLA_BRIDGE_VLAN_INFO: VLAN 10
              08 00 02 00  08 00  14 00                          //   RANGE_BEGIN, VLAN 20
              08 00 02 00  10 00  1e 00                          //   RANGE_END, VLAN 30
            """)
        let entry = PortVLANEntry(port: 9, vlans: .trunk([10...10, 20...30]))
        #expect(LinkRequest.add(entry).encoded(sequence: 1) == wanted)
    }

    @Test func leavesAVLAN() {
        let wanted = hex(
            """
            2c 00 00 00  11 00  05 00  01 00 00 00  00 00 00 00  // 44 bytes, RTM_DELLINK, REQUEST|ACK
            07 00 00 00  09 00 00 00  00 00 00 00  00 00 00 00   // AF_BRIDGE, port 9
            0c 00 1a 80                                          // IFLA_AF_SPEC, nested
              08 00 02 00  06 00  01 00                          //   IFLA_BRIDGE_VLAN_INFO: PVID|UNTAGGED, VLAN 1
            """)
        #expect(LinkRequest.remove(PortVLANEntry(port: 9, vlans: .access(1))).encoded(sequence: 1) == wanted)
    }

    private func plan(_ vlans: PortVLANs, isAware: Bool? = true, standard: UInt16? = 1) throws -> [NetworkOperation] {
        var found = Link(index: 5, name: "br0", kind: "bridge", isUp: true)
        found.bridge = BridgeOptions(vlanFiltering: isAware)
        found.defaultVLAN = standard
        let plan = JoinPlan(tap: tap, fresh: Link(index: 9, name: "tap0", kind: "tun"), alias: "web", vlans: vlans)
        return Array(try plan.operations(bridge: bridge, found: found).dropFirst(2))
    }

    @Test func leavesTheDefaultVLANBeforeItJoinsItsOwn() throws {
        let wanted: [NetworkOperation] = [
            .remove(.vlans(PortVLANEntry(port: 9, vlans: .access(1))), on: tap),
            .add(.vlans(PortVLANEntry(port: 9, vlans: .access(10))), on: tap),
        ]
        #expect(try plan(.access(10)) == wanted)
        #expect(
            wanted.map(\.inverse) == [
                .add(.vlans(PortVLANEntry(port: 9, vlans: .access(1))), on: tap),
                .remove(.vlans(PortVLANEntry(port: 9, vlans: .access(10))), on: tap),
            ])
    }

    @Test(arguments: [(PortVLANs.access(1), UInt16(1)), (.trunk([1...4]), 1), (.access(10), 0)])
    func staysInTheDefaultVLANIfWanted(_ vlans: PortVLANs, _ standard: UInt16) throws {
        let wanted: [NetworkOperation] = [.add(.vlans(PortVLANEntry(port: 9, vlans: vlans)), on: tap)]
        #expect(try plan(vlans, standard: standard) == wanted)
    }

    @Test(arguments: [false, nil])
    func aBridgeThatMixesVLANsIsRefused(_ isAware: Bool?) throws {
        let error = #expect(throws: NetworkError.self) { try plan(.access(10), isAware: isAware) }
        #expect(error?.code == .busy)
        #expect(error?.remedy == .keepVLANsApart(bridge: try .known("br0")))
    }
}
