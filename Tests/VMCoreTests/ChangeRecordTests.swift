import BridgeNet
import Testing

@testable import VMCore

@Suite struct ChangeRecordTests {
    private func record() throws -> ChangeRecord {
        let name = try #require(InterfaceName("br0"))
        let mac = try #require(MACAddress("02:00:00:00:00:01"))
        return ChangeRecord(
            bridge: name, identity: BridgeIdentity(link: 7, macs: [mac]),
            gateways: [try #require(IPAddress("10.0.0.1")), try #require(IPAddress("fe80::1"))],
            undo: UndoScript(for: [.createBridge(name, mac: mac)]), place: .init(boot: "b", namespace: 4), end: 99)
    }

    @Test func survivesTheFile() throws {
        let text = try record().json.text
        #expect(ChangeRecord(try JSON(parsing: Array(text.utf8))) == (try record()))
    }

    /// Written in part by a kvmctl that was killed, or by somebody else.
    @Test(arguments: ["bridge", "link", "macs", "gateways", "undo", "boot", "namespace"])
    func isNoneWithoutAnyOfItsParts(_ key: String) throws {
        guard case .object(var members) = try record().json else { return }
        members[key] = nil
        #expect(ChangeRecord(.object(members)) == nil)
    }

    @Test(arguments: [Verdict.kept, .timePassed, .abandoned, .gatewayLost("fe80::1")])
    func aVerdictSurvivesTheLine(_ verdict: Verdict) { #expect(Verdict(line: verdict.line) == verdict) }

    @Test func anUnknownLineIsNoVerdict() { #expect(Verdict(line: "left br0: something") == nil) }
}
