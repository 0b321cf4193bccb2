import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Entries that bridges have learned: the request, the kernel's answer, and the real kernel.
@Suite struct ForwardingTests {
    /// A station behind link 7, heard by the bridge 5.
    private let learned = hex(
        """
        34 00 00 00  1c 00  02 00  00 00 00 00  2a 00 00 00  // 52 bytes, RTM_NEWNEIGH, MULTI, port 42
        07 00 00 00  07 00 00 00  02 00  00  00              // AF_BRIDGE, link 7, NUD_REACHABLE
        0a 00 02 00  52 54 00 00 00 01  00 00                // NDA_LLADDR
        08 00 09 00  05 00 00 00                             // NDA_MASTER
        04 00 03 00                                          // NDA_CACHEINFO, cut off here
        """)

    @Test func dumpsAllBridges() {
        let wanted = hex(
            """
            1c 00 00 00  1e 00  01 03  07 00 00 00  00 00 00 00  // 28 bytes, RTM_GETNEIGH, REQUEST|DUMP, number 7, port 0
            07 00 00 00  00 00 00 00  00 00  00  00              // AF_BRIDGE; strict checking requires 0 here
            """)
        #expect(EntryRequest.dumpForwarding.encoded(sequence: 7) == wanted)
    }

    @Test func readsWhatWasLearned() throws {
        let kernel = ScriptedTransport([ScriptedTransport.says(learned, KernelReplies.dumpEnd)])
        var socket = RouteSocket(transport: kernel)
        let mac = try #require(MACAddress("52:54:00:00:00:01"))
        #expect(try socket.forwardingEntries() == [ForwardingEntry(mac: mac, port: 7, bridge: 5)])
    }

    @Test(arguments: [
        (8, 0x80),  // NUD_PERMANENT: the port's own address
        (16, 0x53),  // a group's address
        (26, 0x0a),  // no NDA_MASTER, but another attribute: a device's own list
        (0, 0x02),  // AF_INET
    ])
    func passesOverWhatWasNotLearned(_ offset: Int, _ byte: UInt8) throws {
        var entry = Array(learned[16...])
        entry[offset] = byte
        #expect(try ForwardingEntry.decode(entry[...]) == nil)
    }

    @Test func aNewBridgeHasHeardNobody() throws {
        let found = try inFreshNamespace {
            var socket = try RouteSocket()
            let mac = try #require(MACAddress("02:00:00:00:00:01"))
            try socket.perform(.createBridge(try .known("br0"), mac: mac))
            return try socket.forwardingEntries()
        }
        #expect(found == [])
    }
}
