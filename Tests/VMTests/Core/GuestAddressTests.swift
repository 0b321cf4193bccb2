import BridgeNet
import Testing

@testable import VMCore

/// Addresses from all sources together, and the sources that are parsed from text.
@Suite struct GuestAddressTests {
    private func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test func theBestComesFirst() throws {
        var book = AddressBook()
        book.add(try ip("fe80::1"), of: 0, from: .nd)
        book.add(try ip("10.0.0.9"), of: 0, from: .neighbour)
        book.add(try ip("fd07::1"), of: 0, from: .agent)
        book.add(try ip("10.0.0.7"), of: 1, from: .arp)
        book.add(try ip("10.0.0.8"), of: 0, from: .neighbour)
        book.add(try ip("10.0.0.8"), of: 0, from: .dhcp)
        let found = book.addresses { _ in "br0" }
        #expect(found.map(\.text) == ["10.0.0.8", "10.0.0.7", "fd07::1", "fe80::1%br0", "10.0.0.9"])
        #expect(found[0].sources == [.dhcp, .neighbour])
        #expect(found.map(\.isConfirmed) == [true, true, true, true, false])
    }

    @Test(arguments: ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"])
    func whatIsNoStationsIsNotTaken(_ text: String) throws {
        var book = AddressBook()
        book.add(try ip(text), of: 0, from: .agent)
        #expect(book.addresses { _ in nil }.isEmpty)
    }

    @Test func wishes() throws {
        let v4 = GuestAddress(nic: 0, address: try ip("10.0.0.7"), sources: [.arp])
        let v6 = GuestAddress(nic: 1, address: try ip("fd07::1"), sources: [.nd])
        let local = GuestAddress(nic: 0, address: try ip("fe80::1"), sources: [.nd])
        func admitted(_ wish: AddressFilter) -> [GuestAddress] { [v4, v6, local].filter(wish.admits) }
        #expect(admitted(AddressFilter()) == [v4, v6])
        #expect(admitted(AddressFilter(family: .ipv4)) == [v4])
        #expect(admitted(AddressFilter(family: .ipv6, linkLocal: true)) == [v6, local])
        #expect(admitted(AddressFilter(nic: 0)) == [v4])
    }

    @Test func takesOnlyAddressesOfTheVMsOwnNICsFromTheAgent() throws {
        let answer = try JSON(
            parsing: """
                [{"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [{"ip-address": "127.0.0.1"}]},
                 {"name": "eth0", "hardware-address": "52:54:00:00:00:01", "ip-addresses": [
                   {"ip-address": "10.9.0.7", "prefix": 24, "ip-address-type": "ipv4"}, {"ip-address": "$(reboot)"},
                   {"ip-address": 7}, {"ip-address": "fe80::1", "ip-address-type": "ipv6"}]},
                 {"name": "docker0", "hardware-address": "02:42:00:00:00:01", "ip-addresses": [{"ip-address": "172.17.0.1"}]},
                 {"name": "tun0"}, 5, "x"]
                """.utf8)
        let mac = try #require(MACAddress("52:54:00:00:00:01"))
        let found = try #require(QMPRequest.interfaces.read(answer)).addresses(onNICs: [0: mac])
        #expect(found.map(\.nic) == [0, 0])
        #expect(found.map(\.address) == [try ip("10.9.0.7"), try ip("fe80::1")])
        for nonsense in [JSON.null, "x", [:], [["hardware-address": "52:54:00:00:00:01"]]] {
            #expect(QMPRequest.interfaces.read(nonsense)?.addresses(onNICs: [0: mac]).isEmpty != false)
        }
    }

    @Test func asksWhatASmallNetworkMayHave() throws {
        let guest = try #require(MACAddress("52:54:00:00:00:01"))
        let bridge = try #require(MACAddress("02:00:00:00:00:01"))
        func probe(_ prefixes: String...) throws -> AddressProbe {
            AddressProbe(station: guest, bridge: bridge, prefixes: try prefixes.map { try #require(IPPrefix($0)) })
        }
        #expect(try probe("10.9.0.1/24").search().count == 253)
        #expect(try probe("10.9.0.1/22").search().count == 1021)
        #expect(try probe("10.9.0.1/21").search().isEmpty)
        #expect(try probe("10.9.0.1/32", "10.9.0.1/31").search().isEmpty)
        #expect(try probe("fe80::1/64", "fd07::1/64").search().count == 2)
        let targets = try probe("10.9.255.1/30").search().compactMap { frame -> IPAddress? in
            guard case .arp(let packet)? = EthernetFrame(decoding: frame)?.content else { return nil }
            return packet.target
        }
        #expect(targets == [try ip("10.9.255.2")])
        #expect(try probe("10.9.0.1/24").whether([try ip("10.8.0.1"), try ip("fd07::2")]).isEmpty)
        #expect(try probe("10.9.0.1/24", "fe80::1/64").whether([try ip("10.9.0.9"), try ip("fd07::2")]).count == 2)
    }
}
