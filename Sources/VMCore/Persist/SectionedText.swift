/// A file of `[Section]` and `Key=value` lines, as systemd and NetworkManager use them, parsed only as far as needed to
/// see which link it is about.
package struct SectionedText {
    private var settings: [(section: String, key: String, value: String)] = []

    package init(_ text: String) {
        var section = ""
        for line in text.split(separator: "\n") {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), line.hasSuffix("]") {
                section = String(line.dropFirst().dropLast())
            } else if let equals = line.firstIndex(of: "=") {
                let value = line[line.index(after: equals)...].trimmed
                settings.append((section, String(line[..<equals].trimmed), String(value)))
            }
        }
    }

    /// Every value of a key, in order.
    package func values(_ section: String, _ key: String) -> [String] {
        settings.filter { $0.section == section && $0.key == key }.map(\.value)
    }

    /// The words of every value of a key, separated by white space, commas and semicolons.
    package func words(_ section: String, _ key: String) -> [String] {
        values(section, key).flatMap { $0.split { $0.isWhitespace || $0 == "," || $0 == ";" }.map(String.init) }
    }

    /// The keys that a section sets.
    package func keys(_ section: String) -> Set<String> { Set(settings.filter { $0.section == section }.map(\.key)) }
}

extension StringProtocol {
    /// The text without white space at its ends.
    var trimmed: SubSequence {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return self[endIndex...] }
        return self[first...last]
    }
}
