import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Asking whether a router answers, byte for byte and in the real kernel.
@Suite struct NeighbourQuestionTests {
    private let router: IPAddress

    init() throws { router = try #require(IPAddress("10.0.0.1")) }

    @Test func asksEverybodyForAStranger() {
        let wanted = hex(
            """
            24 00 00 00  1c 00  05 05  01 00 00 00  00 00 00 00  // 36 bytes, RTM_NEWNEIGH, REQUEST|ACK|REPLACE|CREATE
            02 00 00 00  07 00 00 00  00 00  01 00               // AF_INET, link 7, no state, NTF_USE
            08 00 01 00  0a 00 00 01                             // NDA_DST
            """)
        #expect(EntryRequest.question(router, link: 7, known: nil).encoded(sequence: 1) == wanted)
    }

    @Test func asksOneThatIsKnownByName() throws {
        let wanted = hex(
            """
            30 00 00 00  1c 00  05 05  01 00 00 00  00 00 00 00  // 48 bytes, RTM_NEWNEIGH, REQUEST|ACK|REPLACE|CREATE
            02 00 00 00  07 00 00 00  10 00  00 00               // AF_INET, link 7, NUD_PROBE
            08 00 01 00  0a 00 00 01                             // NDA_DST
            0a 00 02 00  02 00 00 00 00 09  00 00                // NDA_LLADDR
            """)
        let mac = try #require(MACAddress("02:00:00:00:00:09"))
        #expect(EntryRequest.question(router, link: 7, known: mac).encoded(sequence: 1) == wanted)
    }

    /// Nobody is on the bridge: the kernel accepts the request, and no answer comes.
    @Test func aStationThatIsNotThereHasNotAnswered() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let name = try InterfaceName.known("br0")
            let mac = try #require(MACAddress("02:00:00:00:00:01"))
            try socket.perform(.createBridge(name, mac: mac, index: 77))
            let address = InterfaceAddress(try #require(IPPrefix("10.0.0.5/24")), link: 77)
            try socket.perform(.add(.address(address), on: name))
            #expect(try socket.askNeighbours([router], link: 77) == [])
            #expect(try socket.neighbours().first { $0.address == router }?.mac == nil)
            #expect(try socket.askNeighbours([router], link: 77) == [])
        }
    }
}
