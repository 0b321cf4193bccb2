import BridgeNet

/// The first line of every file that kvmctl writes for a network service. It shows for which bridge the file was
/// written, and whether anybody has edited it since: then it is no longer kvmctl's.
package enum MarkedText {
    /// Who owns a file.
    package enum Owner: Equatable {
        /// As `net persist` wrote it for this bridge.
        case ours(String)
        /// Written for this bridge, and edited since.
        case edited(String)
        /// Somebody else's.
        case foreign
    }

    private static let start = "# kvmctl net persist "
    private static let middle = ": checksum "
    private static let end = "; kvmctl replaces and removes this file until somebody edits it"

    /// The text with the mark before it.
    static func mark(_ body: String, for bridge: InterfaceName) -> String {
        start + bridge.description + middle + checksum(body) + end + "\n" + body
    }

    /// Who owns the text.
    package static func owner(of text: String) -> Owner {
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard lines.count == 2, lines[0].hasPrefix(start), lines[0].hasSuffix(end) else { return .foreign }
        let inner = lines[0].dropFirst(start.count).dropLast(end.count)
        guard let separator = inner.firstRange(of: middle) else { return .foreign }
        let bridge = String(inner[..<separator.lowerBound])
        return inner[separator.upperBound...] == checksum(String(lines[1])) ? .ours(bridge) : .edited(bridge)
    }

    /// Enough to notice an edit; no protection against forgery.
    private static func checksum(_ text: String) -> String {
        Identity.hash(Array(text.utf8)).prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
