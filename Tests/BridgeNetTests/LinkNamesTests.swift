import Testing

@testable import BridgeKernel
@testable import BridgeNet

/// Alternative names, properties of taps and other rare parts of a link: golden bytes, and the real kernel.
@Suite struct LinkNamesTests {
    private let link = hex(
        """
        00 00 01 00  07 00 00 00  03 10 00 00  00 00 00 00   // ARPHRD_ETHER, index 7, UP|BROADCAST|MULTICAST
        09 00 03 00  74 61 70 30 00  00 00 00                // IFLA_IFNAME "tap0"
        08 00 04 00  dc 05 00 00                             // IFLA_MTU 1500
        08 00 05 00  02 00 00 00                             // IFLA_LINK 2
        """)

    private func decoded(_ more: String) throws -> Link { try Link(decoding: (link + hex(more))[...]) }

    @Test func readsAlternativeNames() throws {
        let found = try decoded(
            """
            24 00 34 80                                          // IFLA_PROP_LIST, nested
              0b 00 35 00  65 6e 70 30 73 33 00  00              //   IFLA_ALT_IFNAME "enp0s3"
              12 00 35 00  65 6e 78 35 32 35 34 30 30 31 32 33 34 00  00 00  // IFLA_ALT_IFNAME "enx5254001234"
            """)
        #expect(found.alternativeNames == ["enp0s3", "enx5254001234"])
        #expect(found.lower == 2)
    }

    @Test func aNumberOfAnotherNamespaceMeansNothing() throws {
        #expect(try decoded("08 00 25 00  00 00 00 00  // IFLA_LINK_NETNSID 0").lower == nil)
    }

    @Test func readsATap() throws {
        let found = try decoded(
            """
            2c 00 12 80                                          // IFLA_LINKINFO, nested
              08 00 01 00  74 75 6e 00                           //   IFLA_INFO_KIND "tun"
              20 00 02 80                                        //   IFLA_INFO_DATA, nested
                08 00 01 00  00 00 00 00                         //     IFLA_TUN_OWNER 0
                05 00 06 00  01  00 00 00                        //     IFLA_TUN_PERSIST 1
                08 00 08 00  04 00 00 00                         //     IFLA_TUN_NUM_QUEUES 4
                04 00 63 00                                      //     an attribute not known yet
            """)
        #expect(found.tap == Link.TapFacts(isPersistent: true, owner: 0, queues: 4))
    }

    @Test func aVXLANTellsItsDeviceByItself() throws {
        let found = try decoded(
            """
            1c 00 12 80                                          // IFLA_LINKINFO, nested
              0a 00 01 00  76 78 6c 61 6e 00  00 00              //   IFLA_INFO_KIND "vxlan"
              0c 00 02 80                                        //   IFLA_INFO_DATA, nested
                08 00 03 00  09 00 00 00                         //     IFLA_VXLAN_LINK 9
            08 00 25 00  00 00 00 00                             // IFLA_LINK_NETNSID 0: IFLA_LINK means nothing here
            """)
        #expect(found.lower == 9)
    }

    @Test func readsAToken() throws {
        let found = try decoded(
            """
            1c 00 1a 80                                          // IFLA_AF_SPEC
              18 00 0a 80                                        //   AF_INET6
                14 00 07 00  00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 05  // IFLA_INET6_TOKEN ::5
            """)
        #expect(found.addressToken == IPAddress("::5"))
    }

    @Test func asksByALongName() throws {
        let wanted = hex(
            """
            40 00 00 00  12 00  05 00  01 00 00 00  00 00 00 00  // 64 bytes, RTM_GETLINK, REQUEST|ACK
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
            16 00 35 00  65 6e 70 30 73 32 30 66 30 75 31 75 32 75 33 69 35 00  00 00  // IFLA_ALT_IFNAME, 17 letters
            08 00 1d 00  08 00 00 00                             // IFLA_EXT_MASK RTEXT_FILTER_SKIP_STATS
            """)
        let long = try #require(DeviceName("enp0s20f0u1u2u3i5"))
        #expect(LinkRequest.get(long).encoded(sequence: 1) == wanted)
        #expect(LinkRequest.get(try #require(DeviceName("br0"))) == LinkRequest.get(try .known("br0")))
    }

    @Test func asksForAndDeletesByNumber() {
        let get = hex(
            """
            28 00 00 00  12 00  05 00  01 00 00 00  00 00 00 00  // 40 bytes, RTM_GETLINK, REQUEST|ACK
            00 00 00 00  07 00 00 00  00 00 00 00  00 00 00 00   // index 7
            08 00 1d 00  08 00 00 00                             // IFLA_EXT_MASK RTEXT_FILTER_SKIP_STATS
            """)
        #expect(LinkRequest.get(7).encoded(sequence: 1) == get)
        let delete = hex(
            """
            20 00 00 00  11 00  05 00  01 00 00 00  00 00 00 00  // 32 bytes, RTM_DELLINK, REQUEST|ACK
            00 00 00 00  07 00 00 00  00 00 00 00  00 00 00 00   // index 7
            """)
        #expect(LinkRequest.delete(7).encoded(sequence: 1) == delete)
    }

    @Test func asksABridgeForAnAddress() {
        let wanted = hex(
            """
            30 00 00 00  1e 00  05 00  01 00 00 00  00 00 00 00  // 48 bytes, RTM_GETNEIGH, REQUEST|ACK
            07 00 00 00  00 00 00 00  00 00  00  00              // AF_BRIDGE; strict checking requires the rest to be 0
            0a 00 02 00  52 54 00 00 00 01  00 00                // NDA_LLADDR
            08 00 09 00  05 00 00 00                             // NDA_MASTER 5
            """)
        #expect(
            EntryRequest.forwarding(of: MACAddress(bits: 0x52_54_00_00_00_01), on: 5).encoded(sequence: 1) == wanted)
    }

    @Test func aBridgeKnowsItsOwnAddressesAndNoOthers() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let mac = try #require(MACAddress("02:00:00:00:00:01"))
            try socket.perform(.createBridge(try .known("br0"), mac: mac, index: 5))
            let tap = try Tap()
            let port = try tap.join(bridge: .known("br0"), alias: "web", using: &socket)
            let high = try #require(try socket.link(numbered: port.index)?.mac)
            #expect(try socket.holder(of: mac, on: 5) == AddressHolder(link: 5, isOwn: true))
            #expect(try socket.holder(of: high, on: 5) == AddressHolder(link: port.index, isOwn: true))
            #expect(try socket.holder(of: MACAddress(bits: 0x52_54_00_00_00_01), on: 5) == nil)
        }
    }

    /// An address that was set explicitly is kept; one taken from a port is not.
    @Test func aBridgeKeepsOnlyAnAddressThatItWasGiven() throws {
        try inFreshNamespace {
            var socket = try RouteSocket()
            let (given, taking) = (try InterfaceName.known("br0"), try InterfaceName.known("br1"))
            try socket.perform(.createBridge(given, mac: try #require(MACAddress("02:00:00:00:00:01"))))
            _ = try socket.ask(
                LinkRequest(
                    type: LinkWire.newLink, flags: [.request, .acknowledge, .create, .exclusive],
                    attributes: [
                        .name(LinkWire.name, "br1"), .nested(LinkWire.info, [.name(LinkWire.Info.kind, "bridge")]),
                    ]), subject: "br1", doing: "creating the bridge")
            #expect(try socket.link(named: given)?.macIsKept() == true)
            let own = try #require(try socket.link(named: taking))
            #expect(own.macIsKept() == false)
            // The remedy: setting the address that it already has.
            try socket.perform(.change(taking, from: LinkSettings(mac: own.mac), to: LinkSettings(mac: own.mac)))
            #expect(try socket.link(named: taking)?.macIsKept() == true)
            #expect(try socket.state().link(named: taking)?.keepsMAC == true)
        }
    }
}
