/// One `KEY=VALUE` of a params file, its quotes removed.
struct Assignment: Equatable {
    /// From 1.
    var line: Int
    /// The key as written.
    var key: String
    /// The key's offsets in the file.
    var keySpan: Range<Int>
    /// The value that sh would assign.
    var value: String
    /// The value's offsets in the file, quotes included.
    var valueSpan: Range<Int>
    /// Where runs of the value's bytes come from, ascending; quotes and backslashes lie between the runs.
    var runs: [ShellWord.Run]
    /// Which of the files it is in: 0 is the params file itself, then those that are included.
    var source = 0

    /// The place in the file of some bytes of the value.
    func span(of range: Range<Int>?) -> Range<Int> {
        guard let range, !range.isEmpty else { return valueSpan }
        let lower = source(of: range.lowerBound)
        return lower..<max(lower, source(of: range.upperBound - 1) + 1)
    }

    private func source(of offset: Int) -> Int {
        guard let run = runs.last(where: { $0.value <= offset }) else { return valueSpan.lowerBound }
        return min(run.source + (offset - run.value), valueSpan.upperBound)
    }
}

/// Cuts a params file into assignments, in one pass: a line is an assignment, nothing, or one fault.
///
/// What it takes, it takes as sh does; what sh would expand, run or continue is a fault, so that no file means one
/// thing here and another when it is sourced.
struct ParamsLexer: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var lineStart: Int
    private var line = 0
    /// Where the line of the last result is in the file, its end included.
    private(set) var lineRange = 0..<0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        lineStart = Self.start(of: bytes)
    }

    /// Where the first line begins: after the byte order mark that Windows editors write.
    static func start(of bytes: [UInt8]) -> Int { bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0 }

    /// The next assignment or fault; nil at the end of the file.
    mutating func next() -> Result<Assignment, Fault>? {
        while lineStart < bytes.count {
            let end = bytes[lineStart...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            // CRLF: the CR is part of the line's end.
            let contentEnd = end > lineStart && bytes[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
            let range = lineStart..<contentEnd
            line += 1
            lineRange = lineStart..<(end < bytes.count ? end + 1 : end)
            lineStart = lineRange.upperBound
            do throws(Fault) {
                if let assignment = try assignment(range) { return .success(assignment) }
            } catch {
                return .failure(error)
            }
        }
        return nil
    }

    private func assignment(_ range: Range<Int>) throws(Fault) -> Assignment? {
        var cursor = skipBlanks(range.lowerBound, range.upperBound)
        guard cursor < range.upperBound, bytes[cursor] != UInt8(ascii: "#") else { return nil }
        cursor = skipExport(cursor, range.upperBound)
        let keySpan = try key(cursor..<range.upperBound)
        let key = text(keySpan)
        do throws(Fault) {
            var word = ShellWord(bytes, keySpan.upperBound + 1..<range.upperBound, line: line)
            try word.read()
            try refuseMore(after: word, key: keySpan)
            return Assignment(
                line: line, key: key, keySpan: keySpan, value: try string(word), valueSpan: word.span, runs: word.runs)
        } catch {
            var fault = error
            fault.key = key
            fault.trying += [fault.literal?.hint(key)].compactMap(\.self)
            throw fault
        }
    }

    /// Finds the key, which ends right before a `=`.
    private func key(_ range: Range<Int>) throws(Fault) -> Range<Int> {
        let end = bytes[range].firstIndex { !Self.isKeyByte($0) } ?? range.upperBound
        let key = range.lowerBound..<end
        if end < range.upperBound, bytes[end] == UInt8(ascii: "="), !key.isEmpty { return key }
        guard let equals = bytes[range].firstIndex(of: UInt8(ascii: "=")) else { throw noEquals(key, range) }
        if equals == range.lowerBound {
            throw fault(equals..<equals + 1, "there is no key before '='", "Write KEY=VALUE.")
        }
        if !key.isEmpty, skipBlanks(end, equals) == equals {
            throw spaceAround(key, end..<equals, value: equals + 1..<range.upperBound)
        }
        let wrong = text(range.lowerBound..<equals)
        var fault = fault(
            range.lowerBound..<equals, "\(Printable.quoted(wrong)) is not a key",
            wrong.hasSuffix("+")
                ? "Nothing can be added to a value: write all of it in one line."
                : "A key is made of capital letters, digits and '_'.")
        if !wrong.hasSuffix("+") {
            fault.repair = LineRepair(key: range.lowerBound..<equals, value: equals + 1..<range.upperBound)
        }
        throw fault
    }

    /// Any line of a file that is no params file gets here.
    private func noEquals(_ key: Range<Int>, _ range: Range<Int>) -> Fault {
        let line = range.lowerBound..<trimmed(range)
        var fault = fault(line, "there is no '=' on this line", "Write KEY=VALUE; a comment begins with '#'.")
        // `MEMORY: 512`, `MEMORY 512`.
        let value = bytes[key.upperBound..<line.upperBound].firstIndex { !Self.isBlank($0) && $0 != UInt8(ascii: ":") }
        if let value, !key.isEmpty {
            fault.repair = LineRepair(
                key: key, value: value..<line.upperBound, reason: "put '=' between a key and its value")
        }
        return fault
    }

    private func spaceAround(_ key: Range<Int>, _ span: Range<Int>, value: Range<Int>) -> Fault {
        var fault = fault(span, "there is a blank beside the '='", "As in sh, no blank stands beside the '='.")
        fault.key = text(key)
        fault.repair = LineRepair(key: key, value: value, reason: "as in sh, no blank stands beside the '='")
        return fault
    }

    /// After a value comes a comment or nothing: sh would take anything else as a command to run.
    private func refuseMore(after word: ShellWord, key: Range<Int>) throws(Fault) {
        let rest = skipBlanks(word.cursor, word.end)
        guard rest < word.end, bytes[rest] != UInt8(ascii: "#") else { return }
        if word.span.isEmpty { throw spaceAround(key, word.cursor..<rest, value: rest..<word.end) }
        let span = rest..<trimmed(rest..<word.end)
        let next = bytes[span].prefix { Self.isKeyByte($0) }
        if next.endIndex < span.upperBound, bytes[next.endIndex] == UInt8(ascii: "="), Self.isCapital(next.first) {
            let known = ParamsSchema.find(text(next.startIndex..<next.endIndex))
            if case .entry = known { throw second(key, word, next.startIndex..<next.endIndex, span) }
        }
        var fault = fault(
            span, "the value ends at the blank, but there is more", "Put the whole value in 'single quotes'.")
        fault.repair = LineRepair(
            key: key, value: word.span.lowerBound..<word.end, reason: "a value with a blank in it is quoted")
        throw fault
    }

    /// `MAC=52:54:00:00:00:01 MEMORY=512`
    private func second(_ key: Range<Int>, _ word: ShellWord, _ next: Range<Int>, _ span: Range<Int>) -> Fault {
        var fault = fault(span, "a second assignment on one line", "Give it a line of its own.")
        var value = ShellWord(bytes, next.upperBound + 1..<span.upperBound, line: line)
        guard (try? value.read()) != nil, value.cursor == span.upperBound else { return fault }
        let lines = [
            ParamsLine(text(key), String(decoding: word.text, as: UTF8.self)),
            ParamsLine(text(next), String(decoding: value.text, as: UTF8.self)),
        ]
        if lines.allSatisfy({ $0.value.utf8.count <= 60 && $0.value.unicodeScalars.allSatisfy(Printable.isPlain) }) {
            fault.trying = [
                Hint(text: "Give each a line of its own: \(lines[0]) and \(lines[1])", offers: [.lines(lines)])
            ]
        }
        return fault
    }

    private func string(_ word: ShellWord) throws(Fault) -> String {
        // Nearly all values are ASCII, which takes a tenth of the time.
        if word.text.allSatisfy({ $0 < 0x80 }) { return String(decoding: word.text, as: UTF8.self) }
        if let value = String(validating: word.text, as: UTF8.self) { return value }
        let bad = Self.firstInvalid(bytes[word.span])
        throw fault(
            bad, "the value is not UTF-8",
            "Save the file as UTF-8 (iconv -f LATIN1 -t UTF-8); a path with other bytes needs a new name or a symlink.")
    }

    private static func firstInvalid(_ slice: ArraySlice<UInt8>) -> Range<Int> {
        var rest = slice.makeIterator()
        var parser = Unicode.UTF8.ForwardParser()
        var offset = slice.startIndex
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let encoded): offset += encoded.count
            case .error(let length): return offset..<offset + length
            case .emptyInput: return slice.indices
            }
        }
    }
}

extension ParamsLexer {
    private func fault(_ span: Range<Int>, _ message: String, _ hint: Hint) -> Fault {
        Fault(line: line, span: span, message: message, hint: hint)
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private func skipBlanks(_ start: Int, _ end: Int) -> Int {
        bytes[start..<end].firstIndex { !Self.isBlank($0) } ?? end
    }

    private func skipExport(_ start: Int, _ end: Int) -> Int {
        let word = "export".utf8
        guard bytes[start..<end].starts(with: word) else { return start }
        let next = skipBlanks(start + word.count, end)
        return next > start + word.count && next < end && bytes[next] != UInt8(ascii: "=") ? next : start
    }

    /// The end of a range without the blanks before it.
    private func trimmed(_ range: Range<Int>) -> Int {
        (bytes[range].lastIndex { !Self.isBlank($0) } ?? range.lowerBound - 1) + 1
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func isCapital(_ byte: UInt8?) -> Bool {
        byte.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) } ?? false
    }

    /// Lower-case letters too: they make a wrong key, but a key, which can be told the right one.
    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "A"..."Z", "a"..."z", "0"..."9", "_": true
        default: false
        }
    }
}
