import BridgeNet

extension ParamsDecoder {
    /// `10`, or a trunk such as `10,20-30`.
    static func vlans(_ text: String) throws(ValueFault) -> PortVLANs {
        var ranges: [ClosedRange<UInt16>] = []
        var offset = 0
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let place = offset..<offset + word.utf8.count
            let range = try vlanRange(word, at: place)
            if let other = ranges.first(where: { $0.overlaps(range) }) {
                let twice = max(other.lowerBound, range.lowerBound)
                throw ValueFault("VLAN \(twice) is listed twice", hint: "List each VLAN once.", range: place)
            }
            ranges.append(range)
            offset = place.upperBound + 1
        }
        if ranges.count == 1, let only = ranges.first, !text.contains("-") { return .access(only.lowerBound) }
        return .trunk(ranges.sorted { $0.lowerBound < $1.lowerBound })
    }

    private static func vlanRange(_ word: Substring, at place: Range<Int>) throws(ValueFault) -> ClosedRange<UInt16> {
        var hint: Hint {
            """
            Write one VLAN, such as \(example: 10), or the VLANs of a trunk, such as \(example: "10,20-30"); each is \
            \(example: 1) to \(example: 4094).
            """
        }
        let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { end -> UInt16? in
            guard !end.isEmpty, end.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return UInt16(end).flatMap { PortVLANs.identifiers.contains($0) ? $0 : nil }
        }
        guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil else {
            throw ValueFault("\(Printable.quoted(word)) is not a VLAN", hint: hint, range: place)
        }
        guard first <= last else {
            throw ValueFault("\(Printable.quoted(word)) ends before it begins", hint: hint, range: place)
        }
        return first...last
    }
}
