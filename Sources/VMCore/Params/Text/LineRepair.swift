/// A line that does not assign a known key, and what it was most likely meant to be.
struct LineRepair: Equatable {
    /// Where the key is, or what looks like it.
    var key: Range<Int>
    /// Where the value is, with everything that follows it on the line.
    var value: Range<Int>
    /// Why it has to be written differently, in a clause; nil: it was misspelt.
    var reason: String?

    /// What it may have been meant to be, the likeliest first; empty if it is too odd to be shown.
    func lines(in bytes: [UInt8]) -> [ParamsLine] {
        let keys = Self.keys(String(decoding: bytes[key], as: UTF8.self))
        let values = Self.values(bytes, value)
        return keys.flatMap { key in
            (key == "NAME" ? values + values.map(Self.plainName) : values).map { ParamsLine(key, $0) }
        }.filter { $0.description.unicodeScalars.count <= 80 && $0.value.unicodeScalars.allSatisfy(Printable.isPlain) }
    }

    /// The hint to write a line that was accepted.
    func hint(_ line: ParamsLine, in bytes: [UInt8]) -> Hint {
        if let reason { return "Write \(line: line): \(reason)." }
        let isSpelling = line.key == String(decoding: bytes[key], as: UTF8.self).uppercased()
        return isSpelling ? "Keys are upper case: write \(line: line)" : "Did you mean \(line: line)?"
    }

    /// The keys that a word may have been meant to be.
    private static func keys(_ word: String) -> [String] {
        // Longer words are not typing errors.
        guard word.utf8.count <= 40 else { return [] }
        let plain = word.uppercased().filter { !"-. :".contains($0) }
        var keys: [String] = []
        if case .entry = ParamsSchema.find(plain) { keys.append(plain) }
        if case .badIndex(let entry) = ParamsSchema.find(plain) { keys += numbered(entry, plain) }
        if let nearest = ParamsSchema.nearest(to: plain) { keys.append(nearest) }
        // DISK0_NAME is about a disk, whatever was meant.
        if let end = plain.lastIndex(of: "_"), case .entry = ParamsSchema.find(String(plain[..<end])) {
            keys.append(String(plain[..<end]))
        }
        return keys.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// The key with a valid number: the one that was written, or else the first few.
    private static func numbered(_ entry: ParamsSchema.Entry, _ word: String) -> [String] {
        guard let range = entry.indices else { return [] }
        let meant = Int(word.drop { !$0.isNumber }.prefix { $0.isNumber }).flatMap { range.contains($0) ? $0 : nil }
        let numbers = meant.map { [$0] } ?? Array(range.prefix(8))
        return numbers.map { KeyName(entry.key, $0).description }
    }

    /// The values that the rest of a line may have been meant to be.
    private static func values(_ bytes: [UInt8], _ range: Range<Int>) -> [String] {
        let whole = trimmed(bytes[range])
        let commentless = trimmed(whole[..<(comment(in: whole) ?? whole.endIndex)])
        let word = words(bytes, commentless.indices).first
        let joined = words(bytes, commentless.indices).joined(separator: " ")
        let literal = String(decoding: commentless, as: UTF8.self)
        let isQuoted = literal.contains { "'\"\\".contains($0) }
        let candidates = [
            word == joined ? word : nil, isQuoted ? nil : literal, joined, ByteCount.withoutBlanks(literal),
        ]
        return candidates.compactMap(\.self).filter { !$0.isEmpty }
            .reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// The words of a range as sh reads them; none if sh would expand or run something.
    private static func words(_ bytes: [UInt8], _ range: Range<Int>) -> [String] {
        var words: [String] = []
        var start = range.lowerBound
        while start < range.upperBound {
            var word = ShellWord(bytes, start..<range.upperBound, line: 0)
            do throws(Fault) { try word.read() } catch { return [] }
            words.append(String(decoding: word.text, as: UTF8.self))
            start = bytes[word.cursor..<range.upperBound].firstIndex { !ParamsLexer.isBlank($0) } ?? range.upperBound
        }
        return words
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let start = bytes.firstIndex { !ParamsLexer.isBlank($0) } ?? bytes.endIndex
        let end = bytes.lastIndex { !ParamsLexer.isBlank($0) }.map { $0 + 1 } ?? start
        return bytes[start..<max(start, end)]
    }

    /// Where a comment begins, with the blank before it.
    private static func comment(in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.indices.dropFirst().first {
            bytes[$0] == UInt8(ascii: "#") && ParamsLexer.isBlank(bytes[$0 - 1])
        }.map { $0 - 1 }
    }

    /// A VM's name made of a text.
    static func plainName(_ text: String) -> String {
        let words = text.split { !($0.isASCII && ($0.asciiValue ?? 0).isPlain(or: "._-")) }
        return String(words.joined(separator: "-").drop { $0 == "-" }.prefix(VMName.maximumLength))
    }
}

extension ByteCount {
    /// A number and a unit without the blanks between them; nil if the text is anything else.
    static func withoutBlanks(_ text: String) -> String? {
        let parts = text.split(separator: " ")
        guard parts.count == 2, parts[0].last?.isNumber == true, parts[1].allSatisfy(\.isLetter) else { return nil }
        return parts.joined()
    }
}
