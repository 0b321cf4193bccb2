import BridgeNet

extension ParamsDecoder {
    /// `mac`, `ip`, `mac,ip=192.0.2.7,2001:db8::7`: addresses follow `ip=`, up to the next word.
    static func filter(_ text: String) throws(ValueFault) -> SourceFilter {
        var filter = SourceFilter(checksMAC: false)
        var offset = 0
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let place = offset..<offset + word.utf8.count
            try add(word, to: &filter, at: place)
            offset = place.upperBound + 1
        }
        return filter
    }

    /// More than any guest has, and few enough to compare each with all others.
    private static let mostAddresses = 64
    private static let filterHint: Hint =
        "Write \(example: "mac"), ip=ADDRESS, or both, such as \(example: "mac,ip=192.0.2.7,2001:db8::7")."

    private static func add(_ word: Substring, to filter: inout SourceFilter, at place: Range<Int>) throws(ValueFault) {
        let twice = ValueFault("'\(word)' is listed twice", hint: "List each once.", range: place)
        switch (word, filter.addresses) {
        case ("mac", _):
            guard !filter.checksMAC else { throw twice }
            filter.checksMAC = true
        case ("ip", nil): filter.addresses = .lease
        case ("ip", _): throw twice
        case (_, nil) where word.hasPrefix("ip="):
            let first = place.lowerBound + 3..<place.upperBound
            filter.addresses = .list([try guestAddress(word.dropFirst(3), at: first)])
        case (_, .list(let others)?):
            let address = try guestAddress(word, at: place)
            guard !others.contains(address) else { throw twice }
            guard others.count < mostAddresses else {
                throw ValueFault("more than \(mostAddresses) addresses", hint: filterHint, range: place)
            }
            filter.addresses = .list(others + [address])
        case (_, nil), (_, .lease?):
            let isAddress = IPAddress(word) != nil
            throw ValueFault(
                "\(Printable.quoted(word)) is \(isAddress ? "an address without 'ip='" : "not a filter")",
                hint: filterHint,
                range: place)
        }
    }

    private static func guestAddress(_ text: Substring, at place: Range<Int>) throws(ValueFault) -> IPAddress {
        guard let literal = IPAddress(text) else {
            throw ValueFault(
                "\(Printable.quoted(text)) is not an IP address", hint: filterHint, range: place.isEmpty ? nil : place)
        }
        guard !literal.isMulticast, !literal.isUnspecified, !literal.isLoopback else {
            throw ValueFault("a guest can't send as \(text)", hint: "Write the guest's own addresses.", range: place)
        }
        return literal
    }
}
