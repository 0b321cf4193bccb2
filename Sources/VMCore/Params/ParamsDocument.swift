/// The text of a params file, to be changed a key at a time.
///
/// Only the text is stored. The lexer finds the line and the value of a key in it, and only those bytes change: comments,
/// blank lines, the order of the lines, line endings and faulty lines stay as they were written.
package struct ParamsDocument: Equatable, Sendable {
    /// The content of the file.
    package private(set) var bytes: [UInt8]

    /// Why a document can't be changed as asked. It is then left unchanged.
    package enum Failure: Error, Equatable, Sendable {
        /// The value has a byte that no line can hold, such as a line break.
        case controlCharacter(KeyName, UInt8)
        /// Several lines set the key: a person has to decide which one is right.
        case setTwice(KeyName, lines: [Int])
        /// The line that sets the key has an error: a person has to say what it means.
        case unreadable(KeyName, line: Int)
        /// The file is no params file, or would become too large.
        case notParams(NoText)
    }

    /// Opens the content of a file. Without content the document is that of a new file.
    package init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    /// The content as text: exact if the file is UTF-8, as a file without errors is.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The value of a key, or nil if no valid line sets it. If several lines set it, the first one counts, as in
    /// ``VMParams``.
    package func value(of name: KeyName) -> String? {
        let key = name.description
        return lines.lazy.compactMap(\.assignment).first { $0.key == key }?.value
    }

    /// Sets a key: in its line, which keeps its style and its comment, or in a new line next to related keys.
    package mutating func set(_ name: KeyName, to value: String) throws(Failure) {
        if let byte = value.utf8.first(where: ShellWord.isControl) { throw .controlCharacter(name, byte) }
        var changed = self
        let lines = lines
        if let assignment = try Self.line(of: name, in: lines)?.assignment {
            changed.write(value, over: assignment)
        } else {
            let neighbour = name.neighbour(among: lines.map(\.name)).map { lines[$0].range.upperBound }
            changed.insert(["\(ParamsLine(name, value))"], at: neighbour ?? bytes.count)
        }
        if let reason = NoText(changed.bytes) { throw .notParams(reason) }
        self = changed
    }

    /// Removes the line that sets a key, if there is one, and nothing else.
    package mutating func remove(_ name: KeyName) throws(Failure) {
        if let line = try Self.line(of: name, in: lines) { remove(line.range) }
    }

    /// Adds a one-line comment at the end.
    package mutating func append(comment: String) { insert(["# \(Printable.escaped(comment))"], at: bytes.count) }

    /// Applies a change that a hint offers.
    ///
    /// - Returns: the numbers of the new lines.
    mutating func apply(_ edit: LineEdit) -> Range<Int> {
        switch edit {
        case .append(let new):
            let first = bytes.count { $0 == Self.newline } + (isEnded ? 1 : 2)
            insert(new.map(\.description), at: bytes.count)
            return first..<first + new.count
        case .replace(let number, let new):
            guard let range = range(ofLine: number) else { return 0..<0 }
            if new.isEmpty { remove(range) } else { bytes.replaceSubrange(content(of: range), with: joined(new)) }
            return number..<number + new.count
        }
    }
}

extension ParamsDocument {
    /// A line that sets a key, or has an error.
    private struct Line {
        /// Where it is in the file, its end included.
        var range: Range<Int>
        /// From 1.
        var number: Int
        /// Its key, if it could be read.
        var key: String?
        /// What it sets; nil where it has an error.
        var assignment: Assignment?

        /// Its key, if the schema knows it.
        var name: KeyName? {
            guard let key, case .entry(_, let name) = ParamsSchema.find(key) else { return nil }
            return name
        }
    }

    /// The key of each line that has one, by the number of the line, from 1.
    var keysByLine: [Int: String] {
        Dictionary(
            lines.compactMap { line in line.key.map { (line.number, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    private var lines: [Line] {
        var lines: [Line] = []
        var lexer = ParamsLexer(bytes)
        while let element = lexer.next() {
            switch element {
            case .success(let assignment):
                lines.append(
                    Line(range: lexer.lineRange, number: assignment.line, key: assignment.key, assignment: assignment))
            case .failure(let fault):
                lines.append(Line(range: lexer.lineRange, number: fault.line, key: fault.key, assignment: nil))
            }
        }
        return lines
    }

    /// The only line that sets a key, or nil if there is none.
    private static func line(of name: KeyName, in lines: [Line]) throws(Failure) -> Line? {
        let key = name.description
        let found = lines.filter { $0.key == key }
        if found.count > 1 { throw .setTwice(name, lines: found.map(\.number)) }
        if let line = found.first, line.assignment == nil { throw .unreadable(name, line: line.number) }
        return found.first
    }

    /// Replaces a value, and keeps its quotes if the new value allows it. A line that has the value already stays as it is.
    private mutating func write(_ value: String, over old: Assignment) {
        guard !old.value.utf8.elementsEqual(value.utf8) else { return }
        let written = bytes[old.valueSpan]
        var new = Array(Quoting(of: written).written(value).utf8)
        var end = written.endIndex
        // A comment after several spaces is aligned with others: it stays in its column if there is room.
        let gap = bytes[end...].prefix { $0 == UInt8(ascii: " ") }
        if gap.count > 1, bytes[gap.endIndex...].first == UInt8(ascii: "#") {
            let room = gap.count + Self.width(written) - Self.width(new[...])
            new += Array(repeating: UInt8(ascii: " "), count: max(1, room))
            end = gap.endIndex
        }
        bytes.replaceSubrange(written.startIndex..<end, with: new)
    }

    /// How many cells a text takes on a terminal.
    private static func width(_ text: ArraySlice<UInt8>) -> Int { Printable.glyphs(text).reduce(0) { $0 + $1.width } }
}

// MARK: - Lines and their ends
extension ParamsDocument {
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// How a new line ends: as the first line of the file does.
    private var lineEnd: [UInt8] {
        let first = bytes.prefix { $0 != Self.newline }
        let isCRLF = first.count < bytes.count && first.last == Self.carriageReturn
        return isCRLF ? [Self.carriageReturn, Self.newline] : [Self.newline]
    }

    /// Whether the last line has its newline, or there is no line yet.
    private var isEnded: Bool { bytes.count == ParamsLexer.start(of: bytes) || bytes.last == Self.newline }

    private func joined(_ lines: [some CustomStringConvertible]) -> [UInt8] {
        Array(lines.map { Array($0.description.utf8) }.joined(separator: lineEnd))
    }

    /// Inserts lines after a line that ends at `place`. A file that lacks its last newline goes on lacking it, so that
    /// removing the new line restores the file.
    private mutating func insert(_ lines: [String], at place: Int) {
        let text = joined(lines)
        if place < bytes.count || isEnded {
            bytes.insert(contentsOf: text + lineEnd, at: place)
        } else if bytes.last == Self.carriageReturn {
            // The lexer takes a carriage return at the end of the file for the end of a line.
            bytes += [Self.newline] + text + [Self.carriageReturn]
        } else {
            bytes += lineEnd + text
        }
    }

    /// Removes a line and its end. If the last line has no newline, the one before it is removed instead.
    private mutating func remove(_ line: Range<Int>) {
        var lower = line.lowerBound
        if bytes[line].last != Self.newline, lower > ParamsLexer.start(of: bytes) {
            let end = bytes[line].last == Self.carriageReturn ? [Self.newline] : lineEnd
            lower -= bytes[..<lower].reversed().starts(with: end.reversed()) ? end.count : 1
        }
        bytes.removeSubrange(lower..<line.upperBound)
    }

    /// A line, counted from 1, with its end.
    private func range(ofLine number: Int) -> Range<Int>? {
        var start = ParamsLexer.start(of: bytes)
        for _ in 1..<max(1, number) {
            guard let end = bytes[start...].firstIndex(of: Self.newline) else { return nil }
            start = end + 1
        }
        guard start < bytes.count else { return nil }
        return start..<(bytes[start...].firstIndex(of: Self.newline).map { $0 + 1 } ?? bytes.count)
    }

    /// A line without its end.
    private func content(of line: Range<Int>) -> Range<Int> {
        var upper = line.upperBound
        if upper > line.lowerBound, bytes[upper - 1] == Self.newline { upper -= 1 }
        if upper > line.lowerBound, bytes[upper - 1] == Self.carriageReturn { upper -= 1 }
        return line.lowerBound..<upper
    }
}

extension ParamsDocument.Failure: CustomStringConvertible {
    /// What is wrong, in one clause.
    package var description: String {
        switch self {
        case .controlCharacter(let name, let byte):
            "the value of \(name) has a control character, \(Printable.glyph(byte: byte).text), which no line can hold"
        case .setTwice(let name, let lines):
            "\(name) is set on lines \(lines.map(\.description).joined(separator: " and ")): remove all but one"
        case .unreadable(let name, let line): "line \(line), which sets \(name), has an error: correct it first"
        case .notParams(let reason): "\(reason)"
        }
    }
}
