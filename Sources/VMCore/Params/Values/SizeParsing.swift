/// Why a text is not a size.
package enum SizeError: Error, Equatable, Sendable {
    /// Empty, or not a decimal number.
    case notANumber
    /// Below zero.
    case negative
    /// What follows the number is not a unit.
    case unknownUnit(String)
    /// `KB`, `MB`, …: in some places a power of ten, in others a power of two. The binary letter is attached.
    case ambiguousUnit(String, binary: String)
    /// A bare number where a unit is required.
    case missingUnit
    /// A fraction that is not a whole number of bytes, such as `1.3K`.
    case fractionOfAByte
    /// More than an `Int64` holds: 8 EiB.
    case tooLarge
}

extension SizeError: CustomStringConvertible {
    /// The reason, as it follows `'1.3K'` in a sentence.
    package var description: String {
        switch self {
        case .notANumber: "is not a size"
        case .negative: "is below zero"
        case .unknownUnit(let unit): "has an unknown unit, \(Printable.quoted(unit))"
        case .ambiguousUnit(let unit, _): "has an ambiguous unit, \(Printable.quoted(unit)): 1000s or 1024s?"
        case .missingUnit: "has no unit"
        case .fractionOfAByte: "is not a whole number of bytes"
        case .tooLarge: "is too large"
        }
    }

}

extension Hint {
    /// How to write a size.
    package init(_ error: SizeError) {
        self =
            switch error {
            case .ambiguousUnit(_, let binary):
                "Sizes are binary here: write \(binary) (or \(binary)iB), which counts in 1024s."
            case .fractionOfAByte: "Write fewer decimals, or a smaller unit."
            case .tooLarge: "A size is less than 8 EiB."
            case .notANumber, .negative, .unknownUnit, .missingUnit:
                """
                Write a number and K, M, G, T or P, such as \(example: "512M"), \(example: "8G") or \(example: "1.5T").
                """
            }
    }
}

extension ByteCount {
    /// Parses a number with an optional fraction and a binary unit: `512M`, `2g`, `1.5T`, `64KiB`.
    ///
    /// - Parameters:
    ///   - text: The whole size, without blanks.
    ///   - bareUnit: The unit of a bare number; nil if a unit is required.
    /// - Throws: What is wrong with the text.
    package init(parsing text: String, bareUnit: ByteUnit?) throws(SizeError) {
        var rest = text[...]
        if rest.utf8.first == UInt8(ascii: "-") { throw .negative }
        let whole = rest.takeDigits()
        guard !whole.isEmpty else { throw .notANumber }
        var fraction: Substring = ""
        if rest.utf8.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = rest.takeDigits()
            guard !fraction.isEmpty else { throw .notANumber }
        }
        let unit = try Self.unit(rest, bare: bareUnit)
        guard let count = UInt64(whole), count <= UInt64(Int64.max) >> unit.shift else { throw .tooLarge }
        let sum = (count << unit.shift).addingReportingOverflow(try Self.bytes(fraction: fraction, of: unit))
        guard !sum.overflow, let bytes = Int64(exactly: sum.partialValue) else { throw .tooLarge }
        self.init(bytes: bytes)
    }

    private static func unit(_ text: Substring, bare: ByteUnit?) throws(SizeError) -> ByteUnit {
        guard let letter = text.first else {
            guard let bare else { throw .missingUnit }
            return bare
        }
        let unit: ByteUnit? =
            switch letter {
            case "K", "k": .kibi
            case "M", "m": .mebi
            case "G", "g": .gibi
            case "T", "t": .tebi
            case "P", "p": .pebi
            default: nil
            }
        guard let unit else { throw .unknownUnit(String(text)) }
        switch text.dropFirst().lowercased() {
        case "", "ib": return unit
        case "b": throw .ambiguousUnit(String(text), binary: letter.uppercased())
        default: throw .unknownUnit(String(text))
        }
    }

    /// The exact number of bytes that the digits after the point stand for.
    private static func bytes(fraction: Substring, of unit: ByteUnit) throws(SizeError) -> UInt64 {
        var digits = fraction
        while digits.last == "0" { digits.removeLast() }
        guard !digits.isEmpty else { return 0 }
        // Beyond 18 digits the last digit is far below a byte; and 10^18 × 2^50 stays within 128 bits.
        guard digits.utf8.count <= 18, let numerator = UInt64(digits) else { throw .fractionOfAByte }
        let denominator = digits.utf8.reduce(UInt128(1)) { product, _ in product * 10 }
        let (bytes, remainder) = (UInt128(numerator) << unit.shift).quotientAndRemainder(dividingBy: denominator)
        guard remainder == 0 else { throw .fractionOfAByte }
        return UInt64(truncatingIfNeeded: bytes)
    }
}

extension Substring {
    /// Removes the ASCII digits at the beginning and returns them.
    fileprivate mutating func takeDigits() -> Substring {
        let end = utf8.firstIndex { !$0.isDigit } ?? endIndex
        defer { self = self[end...] }
        return self[..<end]
    }
}
