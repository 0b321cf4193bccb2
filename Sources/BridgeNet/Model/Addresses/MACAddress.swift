/// A 48-bit Ethernet address (IEEE 802).
public struct MACAddress: Hashable, Sendable {
    /// The six octets as a number; the first one transmitted is the highest.
    let bits: UInt64

    /// The six octets, in transmission order.
    public var octets: [UInt8] { (0..<6).map(octet) }

    /// Takes exactly six octets; nil for anything else.
    public init?(octets: [UInt8]) {
        guard octets.count == 6 else { return nil }
        bits = octets.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The low 48 bits of a number, the highest octet first.
    public init(bits: UInt64) { self.bits = bits & 0xffff_ffff_ffff }

    /// Parses `52:54:00:00:00:01` (or with `-`), with two hex digits of either case for each octet; nil for anything
    /// else.
    public init?(_ text: String) {
        guard text.utf8.count == 17 else { return nil }
        var bits: UInt64 = 0
        var separator: UInt8?
        for (position, byte) in text.utf8.enumerated() {
            if position % 3 == 2 {
                guard byte == separator ?? byte, byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-") else {
                    return nil
                }
                separator = byte
            } else {
                guard let nibble = Self.nibble(byte) else { return nil }
                bits = bits << 4 | UInt64(nibble)
            }
        }
        self.bits = bits
    }

    /// Whether it is a group address (the I/G bit), which can't be a station's own.
    public var isMulticast: Bool { octet(0) & 1 == 1 }

    /// `00:00:00:00:00:00`, which no station may have.
    public var isZero: Bool { bits == 0 }

    private func octet(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: bits >> (40 - 8 * index)) }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension MACAddress: Comparable {
    /// Compares their octets, the first one first.
    public static func < (one: MACAddress, other: MACAddress) -> Bool { one.bits < other.bits }
}

extension MACAddress: CustomStringConvertible {
    /// Lower-case hex with colons, as ip(8) prints it.
    public var description: String {
        String(unsafeUninitializedCapacity: 17) { buffer in
            for position in 0..<17 {
                let nibble = UInt8(truncatingIfNeeded: bits >> (44 - 4 * (position - position / 3))) & 0xf
                let digit = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
                buffer[position] = position % 3 == 2 ? UInt8(ascii: ":") : digit
            }
            return 17
        }
    }
}
