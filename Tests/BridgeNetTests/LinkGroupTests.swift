import SystemPackage
import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Many links deleted at once.
@Suite struct LinkGroupTests {
    @Test func asksForAGroup() throws {
        let change = hex(
            """
            34 00 00 00  13 00  05 00  01 00 00 00  00 00 00 00  // 52 bytes, RTM_SETLINK, REQUEST|ACK
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00   // flags stay as they are
            09 00 03 00  74 61 70 30 00  00 00 00                // IFLA_IFNAME "tap0"
            08 00 1b 00  e8 03 00 00                             // IFLA_GROUP 1000
            """)
        let tap = try InterfaceName.known("tap0")
        #expect(LinkRequest.change(tap, to: LinkSettings(group: 1000)).encoded(sequence: 1) == change)
        let deletion = hex(
            """
            28 00 00 00  11 00  05 00  01 00 00 00  00 00 00 00  // 40 bytes, RTM_DELLINK, REQUEST|ACK
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00   // no index, no name
            08 00 1b 00  e8 03 00 00                             // IFLA_GROUP 1000
            """)
        #expect(LinkRequest.deleteGroup(1000).encoded(sequence: 1) == deletion)
    }

    @Test func takesAwayItsLinksAndNoOthers() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let taps = try (0..<20).map { _ in
                let tap = try Tap()
                let name = tap.name
                return (name: name, descriptor: tap.release())
            }
            defer { for tap in taps { try? FileDescriptor(rawValue: tap.descriptor).close() } }
            for tap in taps.dropFirst() {
                try socket.perform(.change(tap.name, from: LinkSettings(group: 0), to: LinkSettings(group: 7)))
            }
            try socket.deleteLinks(ofGroup: 7)
            #expect(try socket.links().map(\.name) == ["lo", taps[0].name.description])

            let gone = #expect(throws: NetworkError.self) { try socket.deleteLinks(ofGroup: 7) }
            #expect(gone?.code == .notFound)
            let everything = #expect(throws: NetworkError.self) { try socket.deleteLinks(ofGroup: 0) }
            #expect(everything?.code == .denied)
        }
    }
}
