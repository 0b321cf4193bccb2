/// Makes untrusted bytes, such as a guest's console output, safe for a terminal piece by piece: a character that is
/// split between two pieces is shown once the rest has arrived.
package struct PrintableStream {
    private let kept: [Unicode.Scalar]
    private var incomplete: ArraySlice<UInt8> = []

    /// - Parameter kept: the control characters that stay as they are.
    package init(keeping kept: [Unicode.Scalar]) { self.kept = kept }

    /// What is shown for a piece.
    package mutating func show(_ bytes: [UInt8]) -> String {
        let all = incomplete + bytes
        let whole = all.dropLast(Self.lengthOfCutCharacter(all))
        incomplete = all[whole.endIndex...]
        return Printable.glyphs(whole, keeping: kept).map(\.text).joined()
    }

    /// What is shown for the rest at the end.
    package mutating func finish() -> String {
        defer { incomplete = [] }
        return Printable.glyphs(incomplete, keeping: kept).map(\.text).joined()
    }

    /// The number of bytes at the end that could begin a longer character (RFC 3629, section 4).
    private static func lengthOfCutCharacter(_ bytes: ArraySlice<UInt8>) -> Int {
        for (offset, byte) in bytes.suffix(3).reversed().enumerated() where byte & 0xc0 != 0x80 {
            let length =
                switch byte {
                case 0xc2...0xdf: 2
                case 0xe0...0xef: 3
                case 0xf0...0xf4: 4
                default: 1
                }
            return length > offset + 1 ? offset + 1 : 0
        }
        return 0
    }
}
