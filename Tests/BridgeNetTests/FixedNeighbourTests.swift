import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Static neighbours: the requests, the kernel's answers, and the real kernel.
@Suite struct FixedNeighbourTests {
    /// `ip neigh add 10.9.0.7 lladdr 52:54:00:00:00:01 dev LINK nud permanent router protocol 42`.
    private let permanent = hex(
        """
        4c 00 00 00  1c 00  02 00  00 00 00 00  2a 00 00 00  // 76 bytes, RTM_NEWNEIGH, MULTI, port 42
        02 00 00 00  05 00 00 00  80 00  80  01              // AF_INET, link 5, NUD_PERMANENT, NTF_ROUTER, RTN_UNICAST
        08 00 01 00  0a 09 00 07                             // NDA_DST 10.9.0.7
        0a 00 02 00  52 54 00 00 00 01  00 00                // NDA_LLADDR
        05 00 0c 00  2a  00 00 00                            // NDA_PROTOCOL 42
        14 00 03 00  01 00 00 00  02 00 00 00  03 00 00 00  00 00 00 00  // NDA_CACHEINFO
        """)

    /// `ip neigh add proxy 10.9.0.8 dev LINK`.
    private let proxy = hex(
        """
        24 00 00 00  1c 00  02 00  00 00 00 00  2a 00 00 00
        02 00 00 00  05 00 00 00  00 00  08  01              // AF_INET, link 5, no state, NTF_PROXY
        08 00 01 00  0a 09 00 08                             // NDA_DST 10.9.0.8
        """)

    private func decoded(_ message: [UInt8]) throws -> FixedNeighbour {
        try #require(try FixedNeighbour.decode(message[16...]))
    }

    @Test func dumpsTheProxies() {
        let wanted = hex(
            """
            1c 00 00 00  1e 00  01 03  07 00 00 00  00 00 00 00  // 28 bytes, RTM_GETNEIGH, REQUEST|DUMP
            00 00 00 00  00 00 00 00  00 00  08  00              // any family, NTF_PROXY
            """)
        #expect(EntryRequest.dumpProxies.encoded(sequence: 7) == wanted)
    }

    @Test func aNeighbourIsWrittenDownAgainOnAnotherLink() throws {
        let neighbour = try decoded(permanent).moved(to: 9)
        #expect(neighbour.description == "neighbour 10.9.0.7 at 52:54:00:00:00:01")
        let add = hex(
            """
            38 00 00 00  1c 00  05 05  01 00 00 00  00 00 00 00  // 56 bytes, RTM_NEWNEIGH, REQUEST|ACK|REPLACE|CREATE
            02 00 00 00  09 00 00 00  80 00  80  00              // AF_INET, link 9, NUD_PERMANENT, NTF_ROUTER
            08 00 01 00  0a 09 00 07                             // NDA_DST 10.9.0.7
            0a 00 02 00  52 54 00 00 00 01  00 00                // NDA_LLADDR
            05 00 0c 00  2a  00 00 00                            // NDA_PROTOCOL 42
            """)
        #expect(EntryRequest.add(neighbour).encoded(sequence: 1) == add)
        let remove = hex(
            """
            24 00 00 00  1d 00  05 00  01 00 00 00  00 00 00 00  // 36 bytes, RTM_DELNEIGH, REQUEST|ACK
            02 00 00 00  09 00 00 00  00 00  80  00              // AF_INET, link 9, NTF_ROUTER
            08 00 01 00  0a 09 00 07                             // NDA_DST 10.9.0.7
            """)
        #expect(EntryRequest.remove(neighbour).encoded(sequence: 1) == remove)
    }

    /// The kernel reports no state for a proxy, and without NUD_PERMANENT it would be lost with the carrier.
    @Test func aProxyIsPermanent() throws {
        let neighbour = try decoded(proxy)
        #expect(neighbour.isProxy && neighbour.description == "proxy of 10.9.0.8")
        let add = hex(
            """
            24 00 00 00  1c 00  05 05  01 00 00 00  00 00 00 00  // 36 bytes, RTM_NEWNEIGH, REQUEST|ACK|REPLACE|CREATE
            02 00 00 00  05 00 00 00  80 00  08  00              // AF_INET, link 5, NUD_PERMANENT, NTF_PROXY
            08 00 01 00  0a 09 00 08                             // NDA_DST 10.9.0.8
            """)
        #expect(EntryRequest.add(neighbour).encoded(sequence: 1) == add)
    }

    @Test(arguments: [
        (8, 0x02),  // NUD_REACHABLE: discovered
        (8, 0x04),  // NUD_STALE
        (8, 0x40),  // NUD_NOARP: forgotten when unused
        (4, 0x00),  // on no link in particular
        (14, 0x09),  // no NDA_DST, but another attribute
    ])
    func passesOverWhatIsNotFixed(_ offset: Int, _ byte: UInt8) throws {
        var entry = Array(permanent[16...])
        entry[offset] = byte
        #expect(try FixedNeighbour.decode(entry[...]) == nil)
    }

    @Test func whatADaemonLearnedIsKeptAsItIs() throws {
        var entry = Array(permanent[16...])
        (entry[8], entry[10]) = (0x02, 0x10)  // NUD_REACHABLE, NTF_EXT_LEARNED
        let learned = try #require(try FixedNeighbour.decode(entry[...]))
        #expect((learned.state, learned.flags) == (0x02, 0x10))
    }

    @Test func moveWithTheirLink() throws {
        let (br0, eth0) = (try InterfaceName.known("br0"), try InterfaceName.known("eth0"))
        let found = NetworkState(links: [], neighbours: [try decoded(permanent), try decoded(proxy)])
        let move = try IdentityMove(
            from: .init(name: eth0, index: 5), to: .init(name: br0, index: 9), found: found)
        #expect(
            move.before == [
                .add(.neighbour(try decoded(permanent).moved(to: 9)), on: br0),
                .add(.neighbour(try decoded(proxy).moved(to: 9)), on: br0),
            ])
        #expect(
            move.after == [
                .remove(.neighbour(try decoded(proxy)), on: eth0),
                .remove(.neighbour(try decoded(permanent)), on: eth0),
            ])
    }

    /// An entry that the target already has stays as it is.
    @Test func theTargetsOwnEntryComesFirst() throws {
        var own = try decoded(permanent)
        (own.link, own.attributes) = (9, [])
        let found = NetworkState(links: [], neighbours: [try decoded(permanent), own])
        let move = try IdentityMove(
            from: .init(name: .known("eth0"), index: 5), to: .init(name: .known("br0"), index: 9), found: found)
        #expect(move.before == [] && move.after.count == 1)
    }

    /// When its address changes, a link loses its neighbours.
    @Test func aBridgeKeepsItsOwnWhenItGetsAnotherAddress() throws {
        let (br0, other) = (try InterfaceName.known("br0"), try #require(MACAddress("52:54:00:00:00:09")))
        let bridge = Link(index: 5, name: "br0", kind: "bridge", mac: MACAddress("02:00:00:00:00:01"), isUp: true)
        let uplink = Link(index: 2, name: "eth0", mac: other, isUp: true)
        let neighbour = try decoded(permanent)
        let wanted = ConnectedBridge(try BridgeSpec(name: br0, mac: other), uplink: DeviceName("eth0"))
        let plan = try UplinkPlan.up(
            wanted, found: NetworkState(links: [bridge, uplink], neighbours: [neighbour, try decoded(proxy)]))
        let change = NetworkOperation.change(
            br0, from: LinkSettings(mac: bridge.mac), to: LinkSettings(mac: other))
        #expect(
            plan.prefix(3) == [
                .remove(.neighbour(neighbour), on: br0), change, .add(.neighbour(neighbour), on: br0),
            ])
    }

    @Test func comeAndGoInTheKernel() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let name = try InterfaceName.known("br0")
            try socket.perform(.createBridge(name, mac: try #require(MACAddress("02:00:00:00:00:01")), index: 5))
            let wanted = [try decoded(permanent), try decoded(proxy)]
            for neighbour in wanted { try socket.perform(.add(.neighbour(neighbour), on: name)) }
            #expect(try socket.fixedNeighbours() == wanted)
            for neighbour in wanted { try socket.perform(.remove(.neighbour(neighbour), on: name)) }
            #expect(try socket.fixedNeighbours() == [])
            // When a plan is undone, an entry that is already gone is not a failure.
            let undo = NetworkScript(undoing: wanted.map { .add(.neighbour($0), on: name) })
            #expect(socket.perform(undo) == [])
        }
    }
}
