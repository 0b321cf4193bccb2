/// A data rate in bits per second, with decimal units, as usual for networks.
package struct BitRate: Hashable, Sendable {
    /// Bits per second.
    package var bitsPerSecond: Int64

    /// A rate of that many bits per second.
    package init(bitsPerSecond: Int64) { self.bitsPerSecond = bitsPerSecond }

    /// Bytes per second.
    package var bytesPerSecond: Int64 { bitsPerSecond / 8 }

    /// The accepted rates: below, a guest would take minutes to load a web page; above, there is no such network yet.
    package static let range = BitRate(bitsPerSecond: 64_000)...BitRate(bitsPerSecond: 100_000_000_000)

    private static let units: [(letter: Character, factor: Int64)] = [
        ("G", 1_000_000_000), ("M", 1_000_000), ("K", 1000),
    ]
}

extension BitRate: Comparable {
    /// Orders by speed.
    package static func < (left: BitRate, right: BitRate) -> Bool { left.bitsPerSecond < right.bitsPerSecond }
}

extension BitRate: CustomStringConvertible {
    /// As in vm.params, with the largest unit that leaves it whole: `100M`, `2500M`.
    package var description: String {
        let unit = Self.units.first { bitsPerSecond % $0.factor == 0 }
        return unit.map { "\(bitsPerSecond / $0.factor)\($0.letter)" } ?? "\(bitsPerSecond)"
    }
}

extension BitRate {
    /// Parses `100M`, `2.5G`, `64000`, each with or without `bit` after it.
    package init(parsing text: String) throws(ValueFault) {
        var hint: Hint {
            """
            Write bits per second in decimal units, such as \(example: "100M"), \(example: "2.5G") or \(example: "1Gbit").
            """
        }
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text[number.endIndex...]
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 12 }) else {
            throw ValueFault("\(Printable.quoted(text)) is not a rate", hint: hint)
        }
        let factor = try Self.factor(of: unit, after: number, hint: hint)
        let fraction = parts.count == 2 ? parts[1] : ""
        let scale = fraction.utf8.reduce(Int64(1)) { product, _ in product * 10 }
        guard let digits = Int64(parts[0] + fraction) else {
            throw ValueFault("\(Printable.quoted(text)) is out of range", hint: Self.limits)
        }
        let (bits, overflow) = digits.multipliedReportingOverflow(by: factor)
        guard !overflow, Self.range.contains(BitRate(bitsPerSecond: bits / scale)) else {
            throw ValueFault("\(Printable.quoted(text)) is out of range", hint: Self.limits)
        }
        self.init(bitsPerSecond: bits / scale)
    }

    private static let limits: Hint =
        "Write a rate from \(example: range.lowerBound) to \(example: range.upperBound) bits per second."

    private static func factor(of unit: Substring, after number: Substring, hint: Hint) throws(ValueFault) -> Int64 {
        let range = number.utf8.count..<number.utf8.count + unit.utf8.count
        let letter = unit.uppercased().first
        let known = units.first { $0.letter == letter }
        let rest = known == nil ? unit : unit.dropFirst()
        if rest.isEmpty || rest.lowercased() == "bit" { return known?.factor ?? 1 }
        if rest == "B" || rest.lowercased().hasPrefix("byte") || rest.lowercased() == "ib" {
            throw ValueFault("a rate is in bits per second, not in bytes", hint: hint, range: range)
        }
        throw ValueFault("\(Printable.quoted(unit)) is not a unit of a rate", hint: hint, range: range)
    }
}
