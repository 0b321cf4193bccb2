import Testing

@testable import BridgeNet

/// Whole requests byte for byte, as a little-endian kernel receives them.
@Suite struct RequestBytesTests {
    private let bridge: InterfaceName
    private let tap: InterfaceName
    private let mac: MACAddress

    init() throws {
        bridge = try #require(InterfaceName("br0"))
        tap = try #require(InterfaceName("tap0"))
        mac = try #require(MACAddress("02:00:00:00:00:01"))
    }

    @Test func getsOneLinkByName() {
        let wanted = hex(
            """
            30 00 00 00  12 00  05 00  07 00 00 00  00 00 00 00  // 48 bytes, RTM_GETLINK, REQUEST|ACK, number 7, port 0
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00   // any family, no index, no flags, no change
            08 00 03 00  62 72 30 00                             // IFLA_IFNAME "br0"
            08 00 1d 00  08 00 00 00                             // IFLA_EXT_MASK RTEXT_FILTER_SKIP_STATS
            """)
        #expect(LinkRequest.get(bridge).encoded(sequence: 7) == wanted)
    }

    @Test func dumpsAllLinks() {
        let wanted = hex(
            """
            28 00 00 00  12 00  01 03  ff ff ff ff  00 00 00 00  // 40 bytes, RTM_GETLINK, REQUEST|DUMP, the last number
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
            08 00 1d 00  08 00 00 00                             // IFLA_EXT_MASK RTEXT_FILTER_SKIP_STATS
            """)
        #expect(LinkRequest.dump.encoded(sequence: .max) == wanted)
    }

    @Test func createsABridge() {
        let wanted = hex(
            """
            58 00 00 00  10 00  05 06  01 00 00 00  00 00 00 00  // 88 bytes, RTM_NEWLINK, REQUEST|ACK|EXCL|CREATE
            00 00 00 00  00 00 00 00  01 00 00 00  01 00 00 00   // IFF_UP; the change mask is IFF_UP
            08 00 03 00  62 72 30 00                             // IFLA_IFNAME "br0"
            0a 00 01 00  02 00 00 00 00 01  00 00                // IFLA_ADDRESS, 2 bytes of padding
            24 00 12 80                                          // IFLA_LINKINFO, nested, 36 bytes
              0b 00 01 00  62 72 69 64 67 65 00  00              //   IFLA_INFO_KIND "bridge", 1 byte of padding
              14 00 02 80                                        //   IFLA_INFO_DATA, nested, 20 bytes
                08 00 01 00  00 00 00 00                         //     IFLA_BR_FORWARD_DELAY 0
                08 00 05 00  00 00 00 00                         //     IFLA_BR_STP_STATE 0
            """)
        #expect(LinkRequest.createBridge(bridge, mac: mac).encoded(sequence: 1) == wanted)
    }

    @Test func deletesALink() {
        let wanted = hex(
            """
            28 00 00 00  11 00  05 00  01 00 00 00  00 00 00 00  // 40 bytes, RTM_DELLINK, REQUEST|ACK
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
            08 00 03 00  62 72 30 00                             // IFLA_IFNAME "br0"
            """)
        #expect(LinkRequest.delete(bridge).encoded(sequence: 1) == wanted)
    }

    @Test func preparesATap() {
        let settings = LinkSettings(mtu: 9000, alias: "web", addressGeneration: .off)
        let wanted = hex(
            """
            4c 00 00 00  13 00  05 00  01 00 00 00  00 00 00 00  // 76 bytes, RTM_SETLINK, REQUEST|ACK
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00   // flags stay as they are
            09 00 03 00  74 61 70 30 00  00 00 00                // IFLA_IFNAME "tap0", 3 bytes of padding
            08 00 04 00  28 23 00 00                             // IFLA_MTU 9000
            07 00 14 00  77 65 62  00                            // IFLA_IFALIAS "web" without a NUL, 1 of padding
            10 00 1a 80                                          // IFLA_AF_SPEC, nested
              0c 00 0a 80                                        //   AF_INET6, nested
                05 00 08 00  01  00 00 00                        //     IFLA_INET6_ADDR_GEN_MODE none
            """)
        #expect(LinkRequest.change(tap, to: settings).encoded(sequence: 1) == wanted)
    }

    @Test func joinsATap() {
        let wanted = hex(
            """
            34 00 00 00  13 00  05 00  01 00 00 00  00 00 00 00  // 52 bytes, RTM_SETLINK, REQUEST|ACK
            00 00 00 00  00 00 00 00  01 00 00 00  01 00 00 00   // IFF_UP; the change mask is IFF_UP
            09 00 03 00  74 61 70 30 00  00 00 00                // IFLA_IFNAME "tap0"
            08 00 0a 00  05 01 00 00                             // IFLA_MASTER 261
            """)
        #expect(LinkRequest.change(tap, to: LinkSettings(controller: 261, isUp: true)).encoded(sequence: 1) == wanted)
    }

    @Test func takesDownWithAnAddress() {
        let wanted = hex(
            """
            34 00 00 00  13 00  05 00  01 00 00 00  00 00 00 00  // 52 bytes, RTM_SETLINK, REQUEST|ACK
            00 00 00 00  00 00 00 00  00 00 00 00  01 00 00 00   // not IFF_UP; the change mask is IFF_UP
            08 00 03 00  62 72 30 00                             // IFLA_IFNAME "br0"
            0a 00 01 00  02 00 00 00 00 01  00 00                // IFLA_ADDRESS
            """)
        #expect(LinkRequest.change(bridge, to: LinkSettings(mac: mac, isUp: false)).encoded(sequence: 1) == wanted)
    }
}
