import Testing

@testable import BridgeNet

@Suite struct IPPrefixTests {
    @Test(arguments: [
        ("10.1.2.3/24", "10.1.2.0/24"), ("10.1.2.3/0", "0.0.0.0/0"), ("10.1.2.3/32", "10.1.2.3/32"),
        ("10.255.2.3/9", "10.128.0.0/9"), ("2001:db8:ffff::1/33", "2001:db8:8000::/33"), ("::1/128", "::1/128"),
    ])
    func hasANetwork(_ text: String, _ network: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.description == text)
        #expect(prefix.network.description == network)
        #expect(prefix.contains(prefix.network.address))
    }

    @Test(arguments: ["10.0.0.1", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/+8", "10.0.0.1/", "/8", "::/129", "1.2.3/8"])
    func refusesWhatIsNone(_ text: String) { #expect(IPPrefix(text) == nil) }

    @Test func anotherFamilyIsOutside() throws {
        #expect(try #require(IPPrefix("0.0.0.0/0")).contains(try #require(IPAddress("::1"))) == false)
    }
}
