/// Reads one word as sh does (POSIX XCU 2.2 Quoting), removing its quotes, and refuses what sh would expand or run.
struct ShellWord {
    /// Consecutive bytes of the value that are consecutive in the file.
    struct Run: Equatable {
        /// The offset in the value of the run's first byte.
        var value: Int
        /// The offset in the file of that byte.
        var source: Int
    }

    private let bytes: [UInt8]
    private let start: Int
    private let line: Int
    /// The end of the line.
    let end: Int
    /// The first byte not yet read.
    private(set) var cursor: Int
    /// The word without its quotes.
    private(set) var text: [UInt8] = []
    /// Where the text comes from.
    private(set) var runs: [Run] = []

    /// The word's offsets in the file, quotes included.
    var span: Range<Int> { start..<cursor }

    package init(_ bytes: [UInt8], _ range: Range<Int>, line: Int) {
        self.bytes = bytes
        self.line = line
        start = range.lowerBound
        end = range.upperBound
        cursor = range.lowerBound
    }

    /// Reads up to an unquoted blank or the end of the line.
    mutating func read() throws(Fault) {
        text.reserveCapacity(min(end - start, 256))
        while cursor < end {
            switch Unicode.Scalar(bytes[cursor]) {
            case " ", "\t": return
            case "'": try readSingleQuoted()
            case "\"": try readDoubleQuoted()
            case "\\": try readEscaped()
            case "$", "`": try readDollar(quoted: false)
            case ";", "&", "|", "<", ">", "(", ")": throw metacharacter()
            case "~" where cursor == start || bytes[cursor - 1] == UInt8(ascii: ":"): throw tilde()
            default:
                try take()
                takeOrdinary()
            }
        }
    }

    /// Takes a run of ordinary characters at once: nearly every value consists of them.
    private mutating func takeOrdinary() {
        let stop = bytes[cursor..<end].firstIndex { !Self.isOrdinary($0) } ?? end
        text += bytes[cursor..<stop]
        cursor = stop
    }

    /// Whether the byte means only itself in sh, anywhere in a word.
    static func isOrdinary(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "A"..."Z", "a"..."z", "0"..."9", "_", "-", ".", "/", ":", ",", "+", "=", "@", "%": true
        default: false
        }
    }

    private mutating func readSingleQuoted() throws(Fault) {
        let quote = cursor
        cursor += 1
        while cursor < end {
            if bytes[cursor] == UInt8(ascii: "'") {
                cursor += 1
                return
            }
            try take()
        }
        throw unterminated(quote)
    }

    private mutating func readDoubleQuoted() throws(Fault) {
        let quote = cursor
        cursor += 1
        while cursor < end {
            switch Unicode.Scalar(bytes[cursor]) {
            case "\"":
                cursor += 1
                return
            case "\\":
                if cursor + 1 < end, Self.isEscapedInDoubleQuotes(bytes[cursor + 1]) { cursor += 1 }
                try take()
            case "$", "`": try readDollar(quoted: true)
            default: try take()
            }
        }
        throw unterminated(quote)
    }

    /// Whether the byte needs a backslash within double quotes. Before any other byte, a backslash is itself there.
    static func isEscapedInDoubleQuotes(_ byte: UInt8) -> Bool { "$`\"\\".utf8.contains(byte) }

    private mutating func readEscaped() throws(Fault) {
        guard cursor + 1 < end else {
            throw fault(
                cursor..<cursor + 1, "a value can't continue on the next line", "Write it on one line.",
                meant: String(decoding: text, as: UTF8.self) + "\\", "Write it on one line; with a literal backslash:")
        }
        cursor += 1
        try take()
    }

    /// A `$` that begins no expansion is literal, as in sh.
    private mutating func readDollar(quoted: Bool) throws(Fault) {
        let next = cursor + 1 < end ? Unicode.Scalar(bytes[cursor + 1]) : " "
        let isBacktick = bytes[cursor] == UInt8(ascii: "`")
        let expands =
            switch next {
            case "A"..."Z", "a"..."z", "0"..."9", "_", "{", "(", "@", "*", "#", "?", "-", "$", "!": true
            // $'…' and $"…" are quotes in bash.
            case "'", "\"": !quoted
            default: false
            }
        guard expands || isBacktick else { return try take() }
        let what = isBacktick || next == "(" ? "a command" : "a variable"
        throw fault(
            cursor..<min(cursor + 2, end), "\(what) is not expanded here: a params file is data and is never run",
            "Write the value that it stands for.",
            meant: literal, "Write the value that it stands for; as literal characters:")
    }

    /// Whether the byte is one that no value can hold.
    static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != UInt8(ascii: "\t") || byte == 0x7f }

    /// Takes the byte at the cursor into the value.
    private mutating func take() throws(Fault) {
        let byte = bytes[cursor]
        guard !Self.isControl(byte) else {
            let hint: Hint =
                byte == UInt8(ascii: "\r")
                ? "It does not end a line here: convert the file with tr '\\r' '\\n', or remove it."
                : "Remove it (cat -v shows it); it may come from copying from a terminal."
            throw fault(
                cursor..<cursor + 1, "there is a control character, \(Printable.glyph(byte: byte).text), in the value",
                hint)
        }
        if runs.last.map({ $0.source + (text.count - $0.value) }) != cursor {
            runs.append(Run(value: text.count, source: cursor))
        }
        text.append(byte)
        cursor += 1
    }
}

extension ShellWord {
    private func metacharacter() -> Fault {
        let character = Character(Unicode.Scalar(bytes[cursor]))
        return fault(
            cursor..<cursor + 1, "an unquoted '\(character)' would end the value in sh",
            "Remove it and what follows, or quote the value; a comment begins with ' #'.", meant: literal,
            "A comment begins with ' #'; if it belongs to the value:")
    }

    private func tilde() -> Fault {
        fault(
            cursor..<cursor + 1, "'~' is not expanded here: kvmctl runs as different users",
            "Write the home directory's absolute path.",
            meant: literal, "Write the home directory's absolute path; for a file with this name:")
    }

    private func unterminated(_ quote: Int) -> Fault {
        let mark = Character(Unicode.Scalar(bytes[quote]))
        return fault(
            quote..<end, "the quote is not closed on this line",
            mark == "'" ? "Add the closing ' (within '…' write a ' as '\\'')." : "Add the closing \".",
            meant: String(decoding: text, as: UTF8.self), "Add the closing quote, or write:")
    }

    /// The rest of the line as written; nil if it has quotes.
    private var literal: String? {
        let rest = bytes[start..<end]
        let comment = rest.indices.dropFirst().first {
            bytes[$0] == UInt8(ascii: "#") && ParamsLexer.isBlank(bytes[$0 - 1])
        }
        let whole = rest[..<(comment ?? end)]
        let last = whole.lastIndex { !ParamsLexer.isBlank($0) } ?? start - 1
        let text = String(decoding: whole[...last], as: UTF8.self)
        return text.contains { "'\"\\".contains($0) } ? nil : text
    }

    private func fault(
        _ span: Range<Int>, _ message: String, _ hint: Hint, meant characters: String? = nil, _ lead: String = ""
    ) -> Fault {
        var fault = Fault(line: line, span: span, message: message, hint: hint)
        fault.literal = characters.map { LiteralValue(characters: $0, lead: lead) }
        return fault
    }
}
