/// A SHA-256 sum, as people write it: 64 hexadecimal digits, alone or as the first word of a line of sha256sum(1).
package struct ImageSum: Equatable, Sendable {
    /// The digits, in lower case.
    package let digits: String

    /// nil if the text is none.
    package init?(_ text: String) {
        guard let word = text.split(whereSeparator: \.isWhitespace).first else { return nil }
        let bytes = word.utf8
        let isDigit: (UInt8) -> Bool = { byte in
            (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
        }
        guard bytes.count == 64, bytes.allSatisfy(isDigit) else { return nil }
        digits = word.lowercased()
    }
}
