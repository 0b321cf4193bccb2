import BridgeNet
import Testing

@testable import VMCore

/// A bridge as the kernel has it, in terms of configuration files.
@Suite struct FoundBridgeTests {
    private let name: InterfaceName
    private let bridge: Link

    init() throws {
        name = try #require(InterfaceName("br0"))
        bridge = Link(index: 5, name: "br0", kind: "bridge", mac: MACAddress(bits: 0x02_00_00_00_00_05), isUp: true)
    }

    private func found(_ links: [Link], addresses: [InterfaceAddress] = []) throws -> FoundBridge {
        try FoundBridge(name, in: .init(links: [bridge] + links, addresses: addresses))
    }

    @Test func aTapIsAVMsAndNoUplink() throws {
        let links = [
            Link(index: 6, name: "eth0", controller: 5), Link(index: 7, name: "tap0", kind: "tun", controller: 5),
            Link(index: 8, name: "eth1", controller: 9), Link(index: 10, name: "bond0", kind: "bond", controller: 5),
        ]
        let found = try found(links)
        #expect(found.configuration.uplinks.map(\.description) == ["eth0", "bond0"])
        #expect(found.notices.count == 1 && found.notices[0].contains("bond0"))
    }

    @Test func whatLastsForATimeIsLeftToTheNetwork() throws {
        func address(_ text: String, leased: Bool = false) throws -> InterfaceAddress {
            var address = InterfaceAddress(try #require(IPPrefix(text)), link: 5)
            if leased { address.lifetime = .init(valid: 3600, preferred: 1800) }
            return address
        }
        let addresses = [
            try address("192.0.2.2/24"), try address("192.0.2.3/24", leased: true), try address("fe80::5/64"),
            try address("2001:db8::2/64"),
        ]
        let configuration = try found([], addresses: addresses).configuration
        #expect(configuration.ipv4.isDynamic && configuration.ipv4.addresses.map(\.description) == ["192.0.2.2/24"])
        #expect(!configuration.ipv6.isDynamic)
        #expect(configuration.ipv6.addresses.map(\.description) == ["2001:db8::2/64"])
    }

    @Test(arguments: ["eth0;reboot", "a`b`", "x$y", "eth@0", "e[0]"])
    func refusesANameThatMeansSomethingInAFile(_ odd: String) {
        let refused = #expect(throws: VMError.self) { try found([Link(index: 6, name: odd, controller: 5)]) }
        #expect(refused?.subject == odd && refused?.code == .badData)
    }

    @Test(arguments: ["nat", "isolated:lab"])
    func refusesABridgeThatComesAndGoesWithItsVMs(_ network: String) {
        var own = bridge
        own.alias = network
        let refused = #expect(throws: VMError.self) {
            try FoundBridge(name, in: .init(links: [own]))
        }
        #expect(refused?.code == .busy && refused?.cause.contains(network) == true)
    }

    @Test func refusesWhatIsNoBridge() {
        let refused = #expect(throws: VMError.self) {
            let kernel = NetworkState(links: [Link(index: 2, name: "br0")])
            _ = try FoundBridge(name, in: kernel)
        }
        #expect(refused?.code == .notFound)
    }
}
