/// Makes untrusted text safe to print: nothing in it can control a terminal or reorder what is shown.
package enum Printable {
    /// One character as a terminal shows it, and the cells it takes there.
    struct Glyph: Equatable {
        var text: String
        var width: Int
    }

    /// The text with every control character, and every invisible or reordering one, written as an escape; those in
    /// `kept` stay as they are.
    package static func escaped(_ text: String, keeping kept: [Unicode.Scalar] = []) -> String {
        // Nearly all text is ASCII with nothing to escape, and a table of a thousand VMs goes through here.
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f || kept.contains(Unicode.Scalar($0)) }
        if isPlain { return text }
        return text.unicodeScalars.reduce(into: "") { $0 += kept.contains($1) ? String($1) : glyph($1).text }
    }

    /// Words that somebody else may have written, as a part of one line: nothing in them ends the line or looks like a
    /// command, which only a remedy has between back-quotes.
    package static func foreign(_ text: String) -> String {
        let text = escaped(text)
        return text.utf8.contains(UInt8(ascii: "`"))
            ? text.unicodeScalars.reduce(into: "") { $0 += $1 == "`" ? "\\x60" : String($1) } : text
    }

    /// The text escaped, and cut to what a message can hold.
    package static func excerpt(_ text: some StringProtocol, limit: Int = 40) -> String {
        // By scalars: one character may hold any number of combining marks.
        let cut = text.unicodeScalars.prefix(limit)
        return cut.map { glyph($0).text }.joined() + (cut.endIndex < text.endIndex ? "…" : "")
    }

    /// The excerpt in single quotes.
    package static func quoted(_ text: some StringProtocol) -> String { "'" + excerpt(text) + "'" }

    /// Whether the character is shown as it is.
    static func isPlain(_ scalar: Unicode.Scalar) -> Bool { glyph(scalar).text.unicodeScalars.first == scalar }

    static func glyph(_ scalar: Unicode.Scalar) -> Glyph {
        switch scalar.value {
        case 0x20..<0x7f: return Glyph(text: String(scalar), width: 1)
        case 0..<0x20, 0x7f: return glyph(byte: UInt8(truncatingIfNeeded: scalar.value))
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            let text = "\\u{" + String(scalar.value, radix: 16) + "}"
            return Glyph(text: text, width: text.utf8.count)
        case .nonspacingMark, .enclosingMark:
            return Glyph(text: String(scalar), width: 0)
        default:
            return Glyph(text: String(scalar), width: isWide(scalar) ? 2 : 1)
        }
    }

    /// The characters of some bytes; each byte that is not part of valid UTF-8 counts as one.
    static func glyphs(_ bytes: ArraySlice<UInt8>, keeping kept: [Unicode.Scalar] = []) -> [Glyph] {
        var glyphs: [Glyph] = []
        var rest = bytes.makeIterator()
        var parser = Unicode.UTF8.ForwardParser()
        var offset = bytes.startIndex
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let encoded):
                offset += encoded.count
                let scalar = Unicode.UTF8.decode(encoded)
                glyphs.append(kept.contains(scalar) ? Glyph(text: String(scalar), width: 1) : glyph(scalar))
            case .error(let length):
                glyphs += bytes[offset..<offset + length].map { glyph(byte: $0) }
                offset += length
            case .emptyInput:
                return glyphs
            }
        }
    }

    /// A byte that is a control character or not part of valid UTF-8: `\x1b`.
    static func glyph(byte: UInt8) -> Glyph {
        Glyph(text: (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16), width: 4)
    }

    /// Whether terminals give the character two cells: the W and F ranges of Unicode's EastAsianWidth.txt, coarsely.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3, 0xf900...0xfaff,
            0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff,
            0x1f900...0x1f9ff, 0x20000...0x3fffd:
            true
        default: false
        }
    }
}
