import Testing

@testable import BridgeNet

@Suite struct ModelTests {
    @Test func macAddressRoundTrips() {
        #expect(MACAddress("52:54:00:AB:cd:01")?.description == "52:54:00:ab:cd:01")
        #expect(MACAddress("52-54-00-00-00-01")?.description == "52:54:00:00:00:01")
    }

    @Test(arguments: ["", "52:54:00:00:00", "52:54:00:00:00:0g", "52:54-00:00:00:01", "5254.0000.0001"])
    func refusesWhatIsNoMAC(_ text: String) { #expect(MACAddress(text) == nil) }

    @Test(arguments: ["", ".", "..", "a/b", "a b", "tap%d", "sixteenbyteslong", "é"])
    func refusesWhatIsNoInterfaceName(_ text: String) { #expect(InterfaceName(text) == nil) }
}
