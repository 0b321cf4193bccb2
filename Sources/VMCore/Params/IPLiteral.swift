/// An IP address as text, without name service: dotted-decimal IPv4, or IPv6 as RFC 4291 §2.2 writes it.
struct IPLiteral: Hashable {
    /// 4 or 16, in network order.
    let octets: [UInt8]

    /// Takes a literal without brackets and zone; anything else is nil.
    init?(_ text: some StringProtocol) {
        // The longest literal has 45 characters; nothing longer is worth splitting.
        guard text.utf8.count <= 45, let octets = text.contains(":") ? Self.v6(text) : Self.v4(text) else { return nil }
        self.octets = octets
    }

    /// Four octets rather than sixteen.
    var isIPv4: Bool { octets.count == 4 }

    /// The address of no host in particular, which listens everywhere.
    var isUnspecified: Bool { octets.allSatisfy { $0 == 0 } }

    /// 127.0.0.0/8, also as IPv6 maps it, or ::1.
    var isLoopback: Bool {
        if isIPv4 { return octets[0] == 127 }
        let mapped = octets[..<10].allSatisfy { $0 == 0 } && octets[10] == 0xff && octets[11] == 0xff
        return mapped ? octets[12] == 127 : octets[..<15].allSatisfy { $0 == 0 } && octets[15] == 1
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
        // The gap stands for one group at least.
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

    /// Colon-separated groups of sixteen bits; the last one of a literal may be an IPv4 address.
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
