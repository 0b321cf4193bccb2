import BridgeNet
import Testing

@testable import VMCore
@testable import VMHost

@Suite struct ChangeRecordTests {
    private func record() throws -> ChangeRecord {
        let name = try #require(InterfaceName("br0"))
        let mac = try #require(MACAddress("02:00:00:00:00:01"))
        return ChangeRecord(
            bridge: name, identity: BridgeIdentity(link: 7, macs: [mac]),
            gateways: [try #require(IPAddress("10.0.0.1")), try #require(IPAddress("fe80::1"))],
            undo: NetworkScript(undoing: [.createBridge(name, mac: mac)]),
            finish: NetworkScript(carryingOut: [.delete(name)]), place: .init(boot: "b", namespace: 4), end: 99)
    }

    @Test func survivesTheFile() throws {
        let text = try record().json.text
        #expect(ChangeRecord(try JSON(parsing: Array(text.utf8))) == (try record()))
    }

    /// As a killed kvmctl wrote it in part, or somebody else wrote it.
    @Test(arguments: ["bridge", "link", "macs", "gateways", "undo", "finish", "boot", "namespace"])
    func isNoneWithoutAnyOfItsParts(_ key: String) throws {
        guard case .object(var members) = try record().json else { return }
        members[key] = nil
        #expect(ChangeRecord(.object(members)) == nil)
    }

    @Test func aBridgeIsKnownFromTheFirstStepToTheLast() throws {
        let name = try #require(InterfaceName("br0"))
        let macs = try ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"].map {
            try #require(MACAddress($0))
        }
        let there = Link(index: 7, name: "br0", kind: "bridge", mac: macs[0], mtu: 1500, isUp: true)
        func isKnown(_ plan: [NetworkOperation], _ found: [Link], _ index: UInt32, _ mac: MACAddress) -> Bool {
            let identity = BridgeIdentity(name, through: plan, found: NetworkState(links: found, addresses: []))
            var now = there
            (now.index, now.mac) = (index, mac)
            return identity.isThat(of: now)
        }
        let moved = [NetworkOperation.change(name, from: .init(mac: macs[0]), to: .init(mac: macs[1]))]
        #expect(isKnown(moved, [there], 7, macs[0]) && isKnown(moved, [there], 7, macs[1]))
        #expect(!isKnown(moved, [there], 8, macs[1]) && !isKnown(moved, [there], 7, macs[2]))
        let numbered = [NetworkOperation.createBridge(name, mac: macs[0], index: 9)]
        #expect(isKnown(numbered, [], 9, macs[0]) && !isKnown(numbered, [], 10, macs[0]))
        // The kernel chooses the index.
        #expect(isKnown([.createBridge(name, mac: macs[0])], [], 12, macs[0]))
    }

    @Test(arguments: [Verdict.kept, .timePassed, .abandoned, .gatewayLost("fe80::1")])
    func aVerdictSurvivesTheLine(_ verdict: Verdict) { #expect(Verdict(line: verdict.line) == verdict) }

    @Test func anUnknownLineIsNoVerdict() { #expect(Verdict(line: "left br0: something") == nil) }
}
