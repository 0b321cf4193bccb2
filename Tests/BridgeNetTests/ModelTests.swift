import Testing

@testable import BridgeNet

@Suite struct ModelTests {
    @Test func macAddressRoundTrips() {
        #expect(MACAddress("52:54:00:AB:cd:01")?.description == "52:54:00:ab:cd:01")
        #expect(MACAddress("52-54-00-00-00-01")?.description == "52:54:00:00:00:01")
    }

    @Test(arguments: ["", "52:54:00:00:00", "52:54:00:00:00:0g", "52:54-00:00:00:01", "5254.0000.0001"])
    func refusesWhatIsNoMAC(_ text: String) { #expect(MACAddress(text) == nil) }

    @Test(arguments: ["", ".", "..", "a/b", "a b", "tap%d", "sixteenbyteslong", "é", "all", "default"])
    func refusesWhatIsNoInterfaceName(_ text: String) { #expect(InterfaceName(text) == nil) }

    @Test(arguments: ["", "a b", "all", "default", String(repeating: "n", count: 128)])
    func refusesWhatNoDeviceIsCalled(_ text: String) { #expect(DeviceName(text) == nil) }

    @Test func aDeviceIsFoundByAnyOfItsNames() throws {
        var long = Link(index: 2, name: "eth0")
        long.alternativeNames = ["enp0s20f0u1u2u3i5", "eth1"]
        // A primary name takes precedence over another link's alternative name.
        let links = [long, Link(index: 3, name: "eth1")]
        func index(_ name: String) throws -> UInt32? { links.called(try #require(DeviceName(name)))?.index }
        #expect(try [index("eth0"), index("enp0s20f0u1u2u3i5"), index("eth1"), index("eth2")] == [2, 2, 3, nil])
    }

    @Test func addressesAreOrderedAsABridgeOrdersThem() throws {
        let texts = ["02:00:00:00:00:01", "52:54:00:00:00:01", "f2:00:00:00:00:00", "fe:ff:00:00:00:00"]
        let macs = try texts.map { try #require(MACAddress($0)) }
        #expect(macs.reversed().sorted() == macs)
    }

    @Test func aBridgeWithAnImpossibleValueCanNotBeBuilt() throws {
        let name = try #require(InterfaceName("br0"))
        let mac = try #require(MACAddress("02:00:00:00:00:01"))
        for mtu in [67, 65536, -1] {
            #expect(throws: NetworkError.self) { try BridgeSpec(name: name, mac: mac, mtu: mtu) }
        }
        for text in ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"] {
            let wrong = try #require(MACAddress(text))
            #expect(throws: NetworkError.self) { try BridgeSpec(name: name, mac: wrong) }
        }
    }

    @Test func theDefaultMACIsStableAndTheHostsOwn() throws {
        let names = (0..<500).compactMap { InterfaceName("br\($0)") }
        let seeds = ["0123456789abcdef", "0123456789abcdee"].map { Array($0.utf8) }
        let macs = names.flatMap { name in seeds.map { BridgeSpec.defaultMAC(name: name, seed: $0) } }
        #expect(Set(macs).count == 1000)
        #expect(macs.allSatisfy { $0.octets[0] & 3 == 2 })
        // Pinned: a bridge must not change its address when the software is upgraded.
        #expect(macs.first?.description == "92:dc:22:81:36:61")
    }
}
