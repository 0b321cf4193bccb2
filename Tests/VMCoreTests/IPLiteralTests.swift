import Testing

@testable import VMCore

@Suite struct IPLiteralTests {
    @Test(
        arguments: [
            ("127.0.0.1", [127, 0, 0, 1]), ("255.255.255.255", [255, 255, 255, 255]),
            ("::", Array(repeating: 0, count: 16)), ("::1", Array(repeating: 0, count: 15) + [1]),
            ("fe80::1:2", [0xfe, 0x80] + Array(repeating: 0, count: 10) + [0, 1, 0, 2]),
            ("1:2:3:4:5:6:7::", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]),
            ("::ffff:10.0.0.1", Array(repeating: 0, count: 10) + [255, 255, 10, 0, 0, 1]),
        ] as [(String, [UInt8])])
    func parses(_ text: String, _ octets: [UInt8]) { #expect(IPLiteral(text)?.octets == octets) }

    @Test(arguments: [
        "", ".", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.+4", "1.2.3.-4", "1..2.3", " 1.2.3.4", ":",
        ":::",
        "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "fe80::1%eth0", "[::1]", "::g",
        "::1.2.3", "1.2.3.4::", ":1:2:3:4:5:6:7", "::+1", "localhost",
    ])
    func refuses(_ text: String) { #expect(IPLiteral(text) == nil) }

    @Test(arguments: [
        ("127.3.2.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("::", false), ("10.0.0.1", false),
    ])
    func knowsLoopback(_ text: String, _ isLoopback: Bool) { #expect(IPLiteral(text)?.isLoopback == isLoopback) }
}
