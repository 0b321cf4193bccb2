import Testing

@testable import BridgeNet

@Suite struct IPAddressTests {
    @Test(
        arguments: [
            ("127.0.0.1", [127, 0, 0, 1]), ("255.255.255.255", [255, 255, 255, 255]),
            ("::", Array(repeating: 0, count: 16)), ("::1", Array(repeating: 0, count: 15) + [1]),
            ("fe80::1:2", [0xfe, 0x80] + Array(repeating: 0, count: 10) + [0, 1, 0, 2]),
            ("1:2:3:4:5:6:7::", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]),
            ("::ffff:10.0.0.1", Array(repeating: 0, count: 10) + [255, 255, 10, 0, 0, 1]),
        ] as [(String, [UInt8])])
    func parses(_ text: String, _ octets: [UInt8]) { #expect(IPAddress(text)?.octets == octets) }

    @Test(arguments: [
        "", ".", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.+4", "1.2.3.-4", "1..2.3", " 1.2.3.4", ":",
        ":::",
        "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "fe80::1%eth0", "[::1]", "::g",
        "::1.2.3", "1.2.3.4::", ":1:2:3:4:5:6:7", "::+1", "localhost",
    ])
    func refuses(_ text: String) { #expect(IPAddress(text) == nil) }

    @Test(arguments: [
        ("127.3.2.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("::", false), ("10.0.0.1", false),
    ])
    func knowsLoopback(_ text: String, _ isLoopback: Bool) { #expect(IPAddress(text)?.isLoopback == isLoopback) }

    @Test(arguments: [
        ("169.254.0.1", true), ("169.253.0.1", false), ("fe80::1", true), ("febf::1", true), ("fec0::1", false),
    ])
    func knowsLinkLocal(_ text: String, _ isLinkLocal: Bool) { #expect(IPAddress(text)?.isLinkLocal == isLinkLocal) }

    @Test(arguments: [("224.0.0.1", true), ("239.255.255.255", true), ("223.1.1.1", false), ("ff02::1", true)])
    func knowsMulticast(_ text: String, _ isMulticast: Bool) { #expect(IPAddress(text)?.isMulticast == isMulticast) }

    /// RFC 5952, section 4.
    @Test(arguments: [
        ("10.0.2.15", "10.0.2.15"), ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::0:1", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("fe80::5054:ff:fe00:1", "fe80::5054:ff:fe00:1"),
    ])
    func isWrittenInOneWay(_ text: String, _ canonical: String) { #expect(IPAddress(text)?.description == canonical) }

    @Test func hasFourOrSixteenOctets() {
        #expect(IPAddress(octets: [10, 0, 0, 1])?.description == "10.0.0.1")
        #expect(IPAddress(octets: [10, 0, 0]) == nil)
    }
}
