import Testing

@testable import BridgeNet

/// Requests about addresses, routes and rules, byte for byte.
@Suite struct EntryRequestTests {
    private func payload(_ reply: [UInt8]) throws -> ArraySlice<UInt8> {
        try #require(try NetlinkMessage.decode(reply).first).payload
    }

    @Test func addsAnAddress() throws {
        let address = try #require(try InterfaceAddress(decoding: payload(EntryReplies.leasedAddress)))
        let wanted = hex(
            """
            58 00 00 00  14 00  05 06  01 00 00 00  00 00 00 00  // 88 bytes, RTM_NEWADDR, REQUEST|ACK|EXCL|CREATE
            02 18 00 00  07 00 00 00                             // AF_INET, /24, scope 0, link 7
            08 00 01 00  0a 00 00 05                             // IFA_ADDRESS
            08 00 02 00  0a 00 00 05                             // IFA_LOCAL
            09 00 03 00  65 74 68 30 00  00 00 00                // IFA_LABEL "eth0"
            14 00 06 00  08 07 00 00  10 0e 00 00                // IFA_CACHEINFO: preferred 1800 s, valid 3600 s
              00 00 00 00  00 00 00 00
            08 00 08 00  00 02 00 00                             // IFA_FLAGS: NOPREFIXROUTE
            08 00 04 00  0a 00 00 ff                             // IFA_BROADCAST
            """)
        #expect(EntryRequest.add(address).encoded(sequence: 1) == wanted)
    }

    @Test func changesAnAddress() throws {
        let address = try #require(try InterfaceAddress(decoding: payload(EntryReplies.permanentAddress)))
        let wanted = hex(
            """
            48 00 00 00  14 00  05 01  01 00 00 00  00 00 00 00  // 72 bytes, RTM_NEWADDR, REQUEST|ACK|REPLACE
            0a 40 00 00  07 00 00 00                             // AF_INET6, /64, scope 0, link 7
            14 00 01 00  20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 05  // IFA_ADDRESS alone: there is no peer
            14 00 06 00  ff ff ff ff  ff ff ff ff                // IFA_CACHEINFO: for ever
              00 00 00 00  00 00 00 00
            08 00 08 00  00 00 00 00                             // IFA_FLAGS: none that a request may set
            """)
        #expect(EntryRequest.change(address).encoded(sequence: 1) == wanted)
    }

    @Test func removesAnAddress() throws {
        let address = try #require(try InterfaceAddress(decoding: payload(EntryReplies.leasedAddress)))
        let wanted = hex(
            """
            34 00 00 00  15 00  05 00  01 00 00 00  00 00 00 00  // 52 bytes, RTM_DELADDR, REQUEST|ACK
            02 18 00 00  07 00 00 00
            08 00 01 00  0a 00 00 05                             // IFA_ADDRESS
            08 00 02 00  0a 00 00 05                             // IFA_LOCAL
            09 00 03 00  65 74 68 30 00  00 00 00                // IFA_LABEL "eth0"
            """)
        #expect(EntryRequest.remove(address).encoded(sequence: 1) == wanted)
    }

    @Test func addsARouteAsItWas() throws {
        let route = try #require(try Route(decoding: payload(EntryReplies.multipathRoute)))
        let wanted = hex(
            """
            58 00 00 00  18 00  05 0c  01 00 00 00  00 00 00 00  // 88 bytes, RTM_NEWROUTE, REQUEST|ACK|CREATE|APPEND
            02 10 00 00  fc 04 00 01  00 00 00 00                // no LINKDOWN, which only the kernel sets
            08 00 0f 00  e8 03 00 00                             // RTA_TABLE 1000
            08 00 01 00  0a 09 00 00                             // RTA_DST
            08 00 63 00  aa bb cc dd                             // 99, not known yet
            24 00 09 00                                          // RTA_MULTIPATH
              10 00 00 00  08 00 00 00  08 00 05 00  0a 00 00 01 //   link 8 now
              10 00 00 02  09 00 00 00  08 00 05 00  0a 01 00 01
            """)
        #expect(EntryRequest.add(route.moved(from: 7, to: 8)).encoded(sequence: 1) == wanted)
    }

    @Test func removesARoute() throws {
        let route = try #require(try Route(decoding: payload(EntryReplies.announcedRoute)))
        let wanted = hex(
            """
            50 00 00 00  19 00  05 00  01 00 00 00  00 00 00 00  // 80 bytes, RTM_DELROUTE, REQUEST|ACK
            0a 00 00 00  fe 09 00 01  00 00 00 00
            08 00 0f 00  fe 00 00 00                             // RTA_TABLE 254
            08 00 06 00  00 04 00 00                             // RTA_PRIORITY 1024
            14 00 05 00  fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 01  // RTA_GATEWAY
            08 00 04 00  07 00 00 00                             // RTA_OIF 7
            08 00 17 00  08 07 00 00                             // RTA_EXPIRES 1800 s
            """)
        #expect(EntryRequest.remove(route).encoded(sequence: 1) == wanted)
    }

    @Test func addsARule() throws {
        let rule = try #require(try Rule(decoding: payload(EntryReplies.rule)))
        let wanted = hex(
            """
            3c 00 00 00  20 00  05 06  01 00 00 00  00 00 00 00  // 60 bytes, RTM_NEWRULE, REQUEST|ACK|EXCL|CREATE
            02 00 00 00  07 00 00 01  02 00 00 00                // INVERT, but not IIF_DETACHED
            08 00 0f 00  07 00 00 00
            08 00 0e 00  ff ff ff ff
            08 00 03 00  62 72 30 00                             // FRA_IIFNAME "br0"
            08 00 06 00  64 00 00 00
            """)
        #expect(EntryRequest.add(rule.renamed(from: "eth0", to: "br0")).encoded(sequence: 1) == wanted)
    }

    @Test(arguments: [
        (EntryRequest.dumpAddresses, 22, 24), (.dumpRoutes(.ipv4), 26, 28), (.dumpRoutes(.ipv6), 26, 28),
        (.dumpRules(.ipv4), 34, 28),
    ])
    func dumpsAskForEverything(_ request: EntryRequest, type: UInt16, length: Int) {
        #expect(request.type == type)
        #expect(request.isDump)
        #expect(request.encoded(sequence: 1).count == length)
        // Strict checking (NETLINK_GET_STRICT_CHK) requires the rest of a get request's header to be 0.
        #expect(request.header.dropFirst().allSatisfy { $0 == 0 })
    }

    @Test func changesABridge() throws {
        let bridge = try InterfaceName.known("br0")
        let wanted = hex(
            """
            4c 00 00 00  10 00  05 00  01 00 00 00  00 00 00 00  // 76 bytes, RTM_NEWLINK, REQUEST|ACK: creates none
            00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
            08 00 03 00  62 72 30 00                             // IFLA_IFNAME "br0"
            24 00 12 80                                          // IFLA_LINKINFO
              0b 00 01 00  62 72 69 64 67 65 00  00              //   IFLA_INFO_KIND "bridge"
              14 00 02 80                                        //   IFLA_INFO_DATA
                08 00 05 00  01 00 00 00                         //     IFLA_BR_STP_STATE 1
                05 00 07 00  01  00 00 00                        //     IFLA_BR_VLAN_FILTERING 1
            """)
        let options = BridgeOptions(spanningTree: true, vlanFiltering: true)
        #expect(LinkRequest.changeBridge(bridge, to: options).encoded(sequence: 1) == wanted)
    }

    @Test func aBridgeCanBeGivenItsNumber() throws {
        let mac = try #require(MACAddress("02:00:00:00:00:01"))
        let request = LinkRequest.createBridge(try .known("br0"), mac: mac, index: 77).encoded(sequence: 1)
        #expect(request[20..<24] == [77, 0, 0, 0])
    }
}
