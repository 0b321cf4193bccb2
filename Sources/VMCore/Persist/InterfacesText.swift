/// An ifupdown file (interfaces(5)), parsed only as far as needed to see which links it configures and which files it
/// includes.
package struct InterfacesText: Equatable {
    /// The configuration of one link and family.
    package struct Stanza: Equatable {
        package var link: String
        /// `inet dhcp`.
        var method: String
        /// The lines it takes up, counted from 1.
        package var lines: ClosedRange<Int>
        package var nameservers = Nameservers()
    }

    package var stanzas: [Stanza] = []
    /// The patterns of `source`.
    package var sources: [String] = []
    /// The patterns of `source-directory`.
    package var directories: [String] = []

    package init(_ text: String) {
        var isInStanza = false
        for (lines, words) in Self.logicalLines(text) {
            switch words[0] {
            case "iface" where words.count >= 4:
                stanzas.append(
                    Stanza(link: words[1], method: words[2...3].joined(separator: " "), lines: lines))
                isInStanza = true
            case "source": sources += words.dropFirst()
            case "source-directory": directories += words.dropFirst()
            default:
                isInStanza = isInStanza && !Self.isKeyword(words[0])
                if isInStanza { add(words, through: lines.upperBound) }
                continue
            }
            isInStanza = words[0] == "iface"
        }
    }

    private mutating func add(_ words: [String], through line: Int) {
        let last = stanzas.count - 1
        stanzas[last].lines = stanzas[last].lines.lowerBound...line
        if words[0] == "dns-nameservers" { stanzas[last].nameservers.servers += words.dropFirst() }
        if words[0] == "dns-search" { stanzas[last].nameservers.domains += words.dropFirst() }
    }

    /// Whether the word ends a stanza.
    private static func isKeyword(_ word: String) -> Bool {
        ["iface", "auto", "mapping", "rename", "template", "no-auto-down", "no-scripts"].contains(word)
            || word.hasPrefix("allow-")
    }

    /// The words of each line that is not empty, with its line numbers: a backslash at the end continues a line.
    private static func logicalLines(_ text: String) -> [(ClosedRange<Int>, [String])] {
        var found: [(ClosedRange<Int>, [String])] = []
        var held = ""
        var first = 1
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if held.isEmpty { first = index + 1 }
            if held.isEmpty, line.trimmed.hasPrefix("#") { continue }
            held += line
            if held.hasSuffix("\\") {
                held.removeLast()
                continue
            }
            let words = held.split(whereSeparator: \.isWhitespace).map(String.init)
            if !words.isEmpty { found.append((first...index + 1, words)) }
            held = ""
        }
        return found
    }
}
