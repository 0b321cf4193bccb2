import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Ports that have a VLAN for untagged frames: the request, the kernel's answer, and the real kernel.
@Suite struct PortVLANReplyTests {
    /// A port in VLANs 10 and 20 to 30, the latter tagged; `flags` are those of VLAN 10.
    private func port(_ flags: String) -> [UInt8] {
        hex(
            """
            3c 00 00 00  10 00  02 00  00 00 00 00  2a 00 00 00  // 60 bytes, RTM_NEWLINK, MULTI, port 42
            07 00 01 00  09 00 00 00  43 10 01 00  00 00 00 00   // AF_BRIDGE, ARPHRD_ETHER, link 9, flags
            1c 00 1a 80                                          // IFLA_AF_SPEC, nested
              08 00 02 00  \(flags) 00  0a 00                    //   IFLA_BRIDGE_VLAN_INFO: VLAN 10
              08 00 02 00  08 00  14 00                          //   RANGE_BEGIN, VLAN 20
              08 00 02 00  10 00  1e 00                          //   RANGE_END, VLAN 30
            """)
    }

    @Test func asksForVLANs() {
        let wanted = hex(
            """
            28 00 00 00  12 00  01 03  07 00 00 00  00 00 00 00  // 40 bytes, RTM_GETLINK, REQUEST|DUMP, number 7
            07 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00   // AF_BRIDGE
            08 00 1d 00  02 00 00 00                             // IFLA_EXT_MASK: RTEXT_FILTER_BRVLAN
            """)
        #expect(LinkRequest.dumpPortVLANs.encoded(sequence: 7) == wanted)
    }

    @Test(arguments: [("06", [9]), ("02", [9]), ("04", []), ("00", [])] as [(String, Set<UInt32>)])
    func readsThem(_ flags: String, _ ports: Set<UInt32>) throws {
        let kernel = ScriptedTransport([ScriptedTransport.says(port(flags), KernelReplies.dumpEnd)])
        var socket = RouteSocket(transport: kernel)
        #expect(try socket.untaggedPorts() == ports)
    }

    @Test func theKernelTakesTheRequest() throws {
        let ports = try inFreshNamespace {
            var socket = try RouteSocket()
            try socket.perform(.createBridge(try .known("br0"), mac: try #require(MACAddress("02:00:00:00:00:01"))))
            let bridge = try #require(try socket.link(named: .known("br0")))
            // A kernel that supports VLANs puts the bridge itself into its default VLAN.
            return try socket.untaggedPorts().subtracting([bridge.index])
        }
        #expect(ports == [])
    }
}
