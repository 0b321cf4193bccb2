/// A universally unique identifier (RFC 9562): what a guest sees as its machine's.
package struct UUID: Hashable, Sendable, CustomStringConvertible {
    private let bits: UInt128

    /// The nil UUID, which identifies nothing (RFC 9562, 5.9).
    package static let zero = UUID([])

    /// Takes sixteen octets, in the order of RFC 9562; missing ones are zero.
    package init(_ octets: [UInt8]) {
        bits = (0..<16).reduce(0) { $0 << 8 | UInt128($1 < octets.count ? octets[$1] : 0) }
    }

    /// Parses 32 hex digits, written as 8-4-4-4-12 (RFC 9562, 4).
    package init?(_ text: String) {
        guard text.utf8.count == 36 else { return nil }
        var bits: UInt128 = 0
        for (position, byte) in text.utf8.enumerated() {
            if Self.isHyphen(position) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): bits = bits << 4 | UInt128(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): bits = bits << 4 | UInt128(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): bits = bits << 4 | UInt128(byte - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        self.bits = bits
    }

    /// A UUID of this version (RFC 9562, 4.2), and of the variant that the RFC defines (4.1).
    package init(_ octets: [UInt8], version: UInt8) {
        var octets = octets
        octets[6] = octets[6] & 0x0f | version << 4
        octets[8] = octets[8] & 0x3f | 0x80
        self.init(octets)
    }

    /// The sixteen octets, in the order of RFC 9562.
    package var octets: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * UInt128($0))) } }

    /// 32 lower case hex digits, written as 8-4-4-4-12.
    package var description: String {
        var (text, shift) = ([UInt8](), UInt128(128))
        text.reserveCapacity(36)
        for position in 0..<36 {
            guard !Self.isHyphen(position) else {
                text.append(UInt8(ascii: "-"))
                continue
            }
            shift -= 4
            let digit = UInt8(truncatingIfNeeded: bits >> shift) & 0x0f
            text.append(digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func isHyphen(_ position: Int) -> Bool {
        switch position {
        case 8, 13, 18, 23: true
        default: false
        }
    }
}
