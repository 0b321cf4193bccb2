import Testing

@testable import VMCore

@Suite struct SizeTests {
    static let sizes: [(String, ByteUnit?, Int64)] = [
        ("512", ByteUnit.mebi, 512 << 20), ("512M", .mebi, 512 << 20), ("2G", nil, 2 << 30), ("2g", nil, 2 << 30),
        ("1.5T", nil, 3 << 39), ("64KiB", nil, 64 << 10), ("64kib", nil, 64 << 10), ("0", .byte, 0), ("7", .byte, 7),
        ("0.5K", nil, 512), ("1.000000000000000000000000G", nil, 1 << 30), ("8191P", nil, 8191 << 50),
        ("007M", nil, 7 << 20), ("0.00097656250K", nil, 1), ("9223372036854775807", .byte, Int64.max),
    ]

    @Test(arguments: sizes)
    func parses(_ text: String, _ bare: ByteUnit?, _ bytes: Int64) throws {
        #expect(try ByteCount(parsing: text, bareUnit: bare).bytes == bytes)
    }

    static let noSizes: [(String, SizeError)] = [
        ("", SizeError.notANumber), ("x", .notANumber), (".5G", .notANumber), ("1.G", .notANumber),
        ("+1G", .notANumber),
        ("-1G", .negative), ("1", .missingUnit), ("1Q", .unknownUnit("Q")), ("1 G", .unknownUnit(" G")),
        ("1E", .unknownUnit("E")), ("1Gig", .unknownUnit("Gig")), ("1MB", .ambiguousUnit("MB", binary: "M")),
        ("1kb", .ambiguousUnit("kb", binary: "K")), ("1.3K", .fractionOfAByte), ("0.1G", .fractionOfAByte),
        ("1.0000000000000000001P", .fractionOfAByte), ("8192P", .tooLarge), ("99999999999999999999G", .tooLarge),
        ("8191.99999999999999999P", .fractionOfAByte), ("٣G", .notANumber),
    ]

    @Test(arguments: noSizes) func refuses(_ text: String, _ error: SizeError) {
        #expect(throws: error) { try ByteCount(parsing: text, bareUnit: nil) }
    }

    static let forms: [(Int64, String)] = [
        (0, "0 bytes"), (1, "1 byte"), (-1, "-1 byte"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"),
        (8 << 30, "8 GiB"), (512 << 20, "512 MiB"), (1_050_000, "1 MiB"), (1_100_000, "1.05 MiB"),
        ((1 << 20) - 1, "1 MiB"), (Int64.max, "8 EiB"), (Int64.min, "-8 EiB"), (5 << 58, "1.25 EiB"),
    ]

    @Test(arguments: forms) func describes(_ bytes: Int64, _ text: String) {
        #expect(ByteCount(bytes: bytes).description == text)
    }
}
