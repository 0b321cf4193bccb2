import Testing

@testable import VMCore
@testable import VMHost

@Suite struct PrintableTests {
    @Test(arguments: [
        ("plain, with é and 東", "plain, with é and 東"),
        ("\u{1b}[31m", "\\x1b[31m"),
        // An 8-bit CSI controls a terminal as ESC [ does, without an ASCII control character.
        ("\u{9b}31m", "\\u{9b}31m"),
        ("\u{80}\u{9f}\u{a0}", "\\u{80}\\u{9f}\u{a0}"),
        ("a\u{202e}b", "a\\u{202e}b"),
        ("two\nlines", "two\\x0alines"),
    ])
    func nothingDrivesATerminal(text: String, shown: String) {
        #expect(Printable.escaped(text) == shown)
    }

    @Test func whatIsKeptStays() {
        #expect(Printable.escaped("a\tb\n\r\u{9b}", keeping: ["\t", "\n"]) == "a\tb\n\\x0d\\u{9b}")
    }

    @Test func jsonForPeopleIsEscapedAsJSONIs() throws {
        let value: JSON = ["k": "\u{9b}31m \u{7f} \u{e0001} é"]
        #expect(value.prettyText.contains(#""\u009b31m \u007f \udb40\udc01 é""#))
        #expect(try JSON(parsing: value.prettyText.utf8) == value)
    }
}

@Suite struct PrintableStreamTests {
    private static let bytes = Array("é東🙂\u{9b}\n".utf8) + [0x9b, 0xe6, 0x9d] + Array("x".utf8) + [0xf0, 0x9f]
    private static let shown = "é東🙂\\u{9b}\n\\x9b\\xe6\\x9dx\\xf0\\x9f"

    @Test(arguments: 0...bytes.count)
    func aCutChangesNothing(position: Int) {
        var stream = PrintableStream(keeping: ["\n"])
        let head = stream.show(Array(Self.bytes[..<position]))
        let tail = stream.show(Array(Self.bytes[position...]))
        #expect(head + tail + stream.finish() == Self.shown)
    }

    @Test func byteByByte() {
        var stream = PrintableStream(keeping: ["\n"])
        let shown = Self.bytes.map { stream.show([$0]) }.joined()
        #expect(shown + stream.finish() == Self.shown)
    }

    @Test func whatCanNotGoOnIsShownAtOnce() {
        var stream = PrintableStream(keeping: [])
        #expect(stream.show([0x61, 0xff]) == "a\\xff")
        #expect(stream.show([0x80]) == "\\x80")
        #expect(stream.show([0xe6]) == "")
    }
}
