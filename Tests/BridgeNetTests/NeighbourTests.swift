import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// The neighbour table: the request, the kernel's answer, and the real kernel.
@Suite struct NeighbourTests {
    @Test func dumpsAllNeighbours() {
        let wanted = hex(
            """
            1c 00 00 00  1e 00  01 03  07 00 00 00  00 00 00 00  // 28 bytes, RTM_GETNEIGH, REQUEST|DUMP, number 7, port 0
            00 00 00 00  00 00 00 00  00 00  00  00              // any family; strict checking requires 0 here
            """)
        #expect(EntryRequest.dumpNeighbours.encoded(sequence: 7) == wanted)
    }

    @Test func readsTheTable() throws {
        let mac = MACAddress("52:54:00:00:00:01")
        let kernel = ScriptedTransport([
            ScriptedTransport.says(KernelReplies.neighbour),
            ScriptedTransport.says(
                KernelReplies.neighbourV6, KernelReplies.deafNeighbour, KernelReplies.dumpEnd),
        ])
        var socket = RouteSocket(transport: kernel)
        let wanted = [
            NeighbourEntry(address: try #require(IPAddress("10.9.0.7")), mac: mac, link: 5, state: .reachable),
            NeighbourEntry(
                address: try #require(IPAddress("fe80::5054:ff:fe00:1")), mac: mac, link: 5, state: .stale),
            NeighbourEntry(address: try #require(IPAddress("10.9.0.8")), mac: nil, link: 5, state: .failed),
        ]
        #expect(try socket.neighbours() == wanted)
    }

    @Test func passesOverWhatIsNoNeighbour() throws {
        var entry = Array(KernelReplies.neighbour[16...])
        entry[8] = 0  // NUD_NONE
        #expect(try NeighbourEntry.decode(entry[...]) == nil)
        entry[8] = 2
        entry[14] = 9  // no NDA_DST, but another attribute
        #expect(try NeighbourEntry.decode(entry[...]) == nil)
        entry[4] = 0
        #expect(throws: WireError(what: "neighbour's link", problem: .unexpected(0))) {
            try NeighbourEntry.decode(entry[...])
        }
    }

    /// The loopback has no neighbours that answer, and a fresh namespace has only entries that need no answer.
    @Test func theKernelTakesTheRequest() throws {
        let found = try inFreshNamespace {
            var socket = try RouteSocket()
            return try socket.neighbours()
        }
        #expect(found.allSatisfy { $0.state == .noARP })
    }
}
