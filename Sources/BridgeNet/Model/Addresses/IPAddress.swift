/// An IP address of either family, without a prefix length or zone.
public struct IPAddress: Hashable, Sendable {
    /// 4 or 16 octets, in network order.
    public private(set) var octets: [UInt8]

    /// The two families, with the kernel's numbers (AF_INET, AF_INET6).
    public enum Family: UInt8, Hashable, Sendable, CaseIterable {
        /// IPv4.
        case ipv4 = 2
        /// IPv6.
        case ipv6 = 10

        /// How many bits an address has.
        public var bits: Int { self == .ipv4 ? 32 : 128 }
    }

    /// Takes 4 or 16 octets; nil for anything else.
    public init?(octets: some Collection<UInt8>) {
        guard octets.count == 4 || octets.count == 16 else { return nil }
        self.octets = Array(octets)
    }

    /// Takes a literal, dotted-decimal or as RFC 4291 §2.2 writes it, without brackets or zone; nil for anything else.
    public init?(_ text: some StringProtocol) {
        // The longest literal has 45 characters; nothing longer is worth splitting.
        guard text.utf8.count <= 45, let octets = text.contains(":") ? Self.v6(text) : Self.v4(text) else { return nil }
        self.octets = octets
    }

    /// Its family.
    public var family: Family { isIPv4 ? .ipv4 : .ipv6 }

    /// Whether it has four octets, not sixteen.
    public var isIPv4: Bool { octets.count == 4 }

    /// Whether it is 0.0.0.0 or `::`, on which a server listens everywhere.
    public var isUnspecified: Bool { octets.allSatisfy { $0 == 0 } }

    /// 127.0.0.0/8, also as IPv6 maps it, or ::1.
    public var isLoopback: Bool {
        if isIPv4 { return octets[0] == 127 }
        let mapped = octets[..<10].allSatisfy { $0 == 0 } && octets[10] == 0xff && octets[11] == 0xff
        return mapped ? octets[12] == 127 : octets[..<15].allSatisfy { $0 == 0 } && octets[15] == 1
    }

    /// 169.254.0.0/16 (RFC 3927) or fe80::/10: an address that means nothing without its link.
    public var isLinkLocal: Bool {
        isIPv4 ? octets[0] == 169 && octets[1] == 254 : octets[0] == 0xfe && octets[1] & 0xc0 == 0x80
    }

    /// 224.0.0.0/4, or ff00::/8.
    public var isMulticast: Bool { isIPv4 ? octets[0] & 0xf0 == 0xe0 : octets[0] == 0xff }

    /// The address with its first `length` bits, the others 0.
    public func masked(to length: Int) -> IPAddress {
        var masked = self
        masked.octets = octets.enumerated().map { position, octet in
            octet & UInt8(truncatingIfNeeded: 0xff00 >> min(8, max(0, length - 8 * position)))
        }
        return masked
    }

    private static func v4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let octets = parts.compactMap { part -> UInt8? in
            // A zero in front means octal to some readers (inet_aton(3)) and not to others.
            guard part.count == 1 || part.first != "0", part.first != "+" else { return nil }
            return UInt8(part)
        }
        return octets.count == 4 ? octets : nil
    }

    private static func v6(_ text: some StringProtocol) -> [UInt8]? {
        guard let gap = doubleColon(text) else {
            let octets = groups(text)
            return octets?.count == 16 ? octets : nil
        }
        guard let head = groups(text[..<gap.lowerBound], endsLiteral: false), let tail = groups(text[gap.upperBound...])
        else { return nil }
        // The gap stands for at least one group.
        let missing = 16 - head.count - tail.count
        guard missing >= 2 else { return nil }
        return head + Array(repeating: 0, count: missing) + tail
    }

    private static func doubleColon<Text: StringProtocol>(_ text: Text) -> Range<Text.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" { return index..<text.index(after: next) }
            index = next
        }
        return nil
    }

    /// Colon-separated groups of sixteen bits; the last group of a literal may be an IPv4 address.
    private static func groups(_ text: some StringProtocol, endsLiteral: Bool = true) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        var octets: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if endsLiteral, index == parts.count - 1, part.contains("."), let last = v4(part) {
                octets += last
            } else {
                guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
                    let group = UInt16(part, radix: 16)
                else { return nil }
                octets += [UInt8(group >> 8), UInt8(group & 0xff)]
            }
        }
        return octets
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted-decimal, or as RFC 5952 writes it.
    public var description: String {
        if isIPv4 { return octets.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(octets[$0]) << 8 | UInt16(octets[$0 + 1]) }
        func text(_ range: Range<Int>) -> String { groups[range].map { String($0, radix: 16) }.joined(separator: ":") }
        guard let zeros = Self.longestZeros(in: groups) else { return text(0..<8) }
        return text(0..<zeros.lowerBound) + "::" + text(zeros.upperBound..<8)
    }

    /// The longest run of at least two zero groups; the first of several equally long ones.
    private static func longestZeros(in groups: [UInt16]) -> Range<Int>? {
        var longest = 0..<1
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        return longest.count > 1 ? longest : nil
    }
}
