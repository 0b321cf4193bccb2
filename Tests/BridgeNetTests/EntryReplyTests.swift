import Testing

@testable import BridgeNet

/// Decodes addresses, routes and rules from golden bytes.
@Suite struct EntryReplyTests {
    private func payload(_ reply: [UInt8]) throws -> ArraySlice<UInt8> {
        try #require(try NetlinkMessage.decode(reply).first).payload
    }

    private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

    @Test func decodesALeasedAddress() throws {
        let address = try #require(try InterfaceAddress(decoding: payload(EntryReplies.leasedAddress)))
        let wanted = InterfaceAddress(
            link: 7, prefix: try prefix("10.0.0.5/24"), scope: 0, flags: .withoutPrefixRoute, label: "eth0",
            lifetime: .init(valid: 3600, preferred: 1800), others: [.bytes(4, [10, 0, 0, 255])])
        #expect(address == wanted)
        #expect(address.description == "10.0.0.5/24")
    }

    @Test func decodesAnAddressForEver() throws {
        let address = try #require(try InterfaceAddress(decoding: payload(EntryReplies.permanentAddress)))
        let wanted = InterfaceAddress(
            link: 7, prefix: try prefix("2001:db8::5/64"), scope: 0, flags: .permanent, label: nil, others: [])
        #expect(address == wanted)
    }

    @Test func keepsWhatItDoesNotKnowOfARoute() throws {
        let route = try #require(try Route(decoding: payload(EntryReplies.multipathRoute)))
        #expect(route.destination == (try prefix("10.9.0.0/16")))
        #expect(route.table == 1000)
        #expect(route.links == [7, 9])
        #expect(route.flags == 0)
        #expect(route.attributes.bytes(99) == [0xaa, 0xbb, 0xcc, 0xdd])
        #expect(route.description == "10.9.0.0/16 nexthop via 10.0.0.1 nexthop via 10.1.0.1 table 1000")
    }

    @Test func movesOneWayOfARoute() throws {
        let route = try #require(try Route(decoding: payload(EntryReplies.multipathRoute)))
        let moved = route.moved(from: 7, to: 8)
        #expect(moved.links == [8, 9])
        #expect(moved.moved(from: 8, to: 7) == route)
        #expect(route.moved(from: 5, to: 6) == route)
    }

    @Test func turnsAnExpiryIntoSeconds() throws {
        let route = try #require(try Route(decoding: payload(EntryReplies.announcedRoute)))
        #expect(route.isDefault)
        #expect(route.gateway == IPAddress("fe80::1"))
        #expect(route.attributes.number(RouteWire.expires) == UInt32(1800))
        #expect(route.attributes.bytes(RouteWire.cacheInformation) == nil)
    }

    @Test func decodesARule() throws {
        let rule = try #require(try Rule(decoding: payload(EntryReplies.rule)))
        #expect((rule.input, rule.output) == ("eth0", nil))
        #expect(rule.flags == 2)
        #expect(rule.description == "rule 100 iif eth0 lookup 7")
        let renamed = rule.renamed(from: "eth0", to: "br0")
        #expect(renamed.input == "br0")
        #expect(renamed.renamed(from: "br0", to: "eth0") == rule)
    }

    @Test(arguments: EntryReplies.all)
    func passesOverOtherFamilies(_ reply: [UInt8]) throws {
        var reply = reply
        reply[16] = 28  // AF_MPLS
        let message = try #require(try NetlinkMessage.decode(reply).first)
        switch message.type {
        case AddressWire.new: #expect(try InterfaceAddress(decoding: message.payload) == nil)
        case RouteWire.new: #expect(try Route(decoding: message.payload) == nil)
        default: #expect(try Rule(decoding: message.payload) == nil)
        }
    }
}
