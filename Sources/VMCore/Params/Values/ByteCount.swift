/// A size in bytes.
package struct ByteCount: Hashable, Comparable, Sendable {
    /// How many bytes.
    package var bytes: Int64

    /// A size of that many bytes.
    package init(bytes: Int64) { self.bytes = bytes }

    /// Orders by size.
    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}

/// A binary unit of size: each is 1024 times the one before.
package enum ByteUnit: Int, CaseIterable, Sendable {
    case byte, kibi, mebi, gibi, tebi, pebi, exbi

    /// The unit in bytes, as a power of two.
    var shift: Int { rawValue * 10 }

    /// `bytes`, `KiB`, `MiB`, …
    var symbol: String {
        switch self {
        case .byte: "bytes"
        case .kibi: "KiB"
        case .mebi: "MiB"
        case .gibi: "GiB"
        case .tebi: "TiB"
        case .pebi: "PiB"
        case .exbi: "EiB"
        }
    }
}

extension ByteCount: CustomStringConvertible {
    /// For people, rounded to two decimals in the largest unit that leaves at least 1: `8 GiB`, `1.5 GiB`, `1 byte`.
    package var description: String {
        guard bytes.magnitude != 1 else { return bytes < 0 ? "-1 byte" : "1 byte" }
        let (number, unit) = rounded
        return "\(number) \(unit.symbol)"
    }

    /// The same as `ls -h` prints it: `512M`, `1.5G`, `0`.
    package var short: String {
        let (number, unit) = rounded
        return unit == .byte ? number : number + unit.symbol.prefix(1)
    }

    /// The number before the unit, and the unit.
    private var rounded: (number: String, unit: ByteUnit) {
        let magnitude = bytes.magnitude
        let sign = bytes < 0 ? "-" : ""
        var unit = ByteUnit.allCases.last { magnitude >> $0.shift > 0 } ?? .byte
        var hundredths = Self.hundredths(of: magnitude, in: unit)
        // 1023.999 KiB rounds to 1024 KiB, which is 1 MiB.
        if hundredths >= 1024 * 100, let next = ByteUnit(rawValue: unit.rawValue + 1) {
            unit = next
            hundredths = 100
        }
        let (whole, fraction) = hundredths.quotientAndRemainder(dividingBy: 100)
        let decimals =
            switch (fraction / 10, fraction % 10) {
            case (0, 0): ""
            case (let tenths, 0): ".\(tenths)"
            case (let tenths, let rest): ".\(tenths)\(rest)"
            }
        return ("\(sign)\(whole)\(decimals)", unit)
    }

    private static func hundredths(of magnitude: UInt64, in unit: ByteUnit) -> UInt64 {
        let half: UInt128 = (1 << unit.shift) / 2
        return UInt64(truncatingIfNeeded: (UInt128(magnitude) * 100 + half) >> unit.shift)
    }
}

extension ByteCount {
    /// As the value of a key for which a bare number is in this unit; nil: the key takes no bare number.
    func parameter(bare: ByteUnit?) -> String {
        let isBare = bytes % 1024 != 0
        return isBare && bare != .byte ? "\(Double(bytes) / 1024)K" : parameter
    }

    /// As a size in vm.params: with the largest unit that leaves it whole.
    package var parameter: String {
        for (shift, unit) in [(50, "P"), (40, "T"), (30, "G"), (20, "M"), (10, "K")]
        where bytes % (1 << Int64(shift)) == 0 {
            return "\(bytes >> Int64(shift))\(unit)"
        }
        return String(bytes)
    }
}

/// A file system or the kernel can report any size, so arithmetic saturates at the limits of Int64.
extension ByteCount {
    /// The size of that many blocks.
    package init(blocks: UInt64, of size: UInt64) {
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: size)
        self.init(bytes: overflow ? .max : Int64(clamping: bytes))
    }

    /// The sum.
    package static func + (left: ByteCount, right: ByteCount) -> ByteCount {
        let (sum, overflow) = left.bytes.addingReportingOverflow(right.bytes)
        return ByteCount(bytes: overflow ? (left.bytes < 0 ? .min : .max) : sum)
    }

    /// The difference, never negative.
    package static func - (left: ByteCount, right: ByteCount) -> ByteCount {
        let (rest, overflow) = left.bytes.subtractingReportingOverflow(right.bytes)
        return ByteCount(bytes: overflow ? (left.bytes < 0 ? 0 : .max) : max(0, rest))
    }
}
