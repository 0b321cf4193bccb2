/// A 48-bit Ethernet address (IEEE 802).
public struct MACAddress: Hashable, Sendable {
    /// The six octets, in transmission order.
    public let octets: [UInt8]

    /// Takes exactly six octets, anything else is nil.
    public init?(octets: [UInt8]) {
        guard octets.count == 6 else { return nil }
        self.octets = octets
    }

    /// The low 48 bits of a number, the highest octet first.
    public init(bits: UInt64) {
        self.octets = (0..<6).map { UInt8(truncatingIfNeeded: bits >> (40 - 8 * $0)) }
    }

    /// Parses `52:54:00:00:00:01` (or with `-`), two hex digits an octet in either case; anything else is nil.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 17, bytes[2] == UInt8(ascii: ":") || bytes[2] == UInt8(ascii: "-") else { return nil }
        var octets: [UInt8] = []
        for start in stride(from: 0, to: 17, by: 3) {
            guard let high = Self.nibble(bytes[start]), let low = Self.nibble(bytes[start + 1]) else { return nil }
            guard start == 15 || bytes[start + 2] == bytes[2] else { return nil }
            octets.append(high << 4 | low)
        }
        self.octets = octets
    }

    /// Group addresses (the I/G bit) can't be a station's own.
    public var isMulticast: Bool { octets[0] & 1 == 1 }

    /// `00:00:00:00:00:00`, which no station may have.
    public var isZero: Bool { octets.allSatisfy { $0 == 0 } }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension MACAddress: CustomStringConvertible {
    /// Lower-case hex with colons, as ip(8) prints it.
    public var description: String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
