import SystemPackage

/// Parsers of values that several keys share. Each takes the whole value.
enum ParamValue {
    /// `yes`, `no` and what else stands for them.
    static func bool(_ text: String) throws(ValueFault) -> Bool {
        switch text.lowercased() {
        case "yes", "true", "on", "1": return true
        case "no", "false", "off", "0": return false
        default: throw ValueFault("\(Printable.quoted(text)) is neither yes nor no", hint: "Write yes or no.")
        }
    }

    /// One of an enumeration's words.
    static func word<Value: RawRepresentable<String> & CaseIterable>(_ text: String) throws(ValueFault) -> Value {
        if let value = Value(rawValue: text) { return value }
        throw unknownWord(text, of: Value.allCases.map(\.rawValue))
    }

    /// The fault of a word that is none of some.
    static func unknownWord(_ text: String, of words: [String], range: Range<Int>? = nil) -> ValueFault {
        let list = words.joined(separator: ", ")
        let nearest = Nearest.match(text.lowercased(), among: words)
        let hint = nearest.map { "Did you mean \($0)? The words are \(list)." } ?? "The words are \(list)."
        return ValueFault("\(Printable.quoted(text)) is unknown", hint: hint, range: range)
    }

    /// A decimal number in a range.
    static func integer(_ text: String, in range: ClosedRange<Int>) throws(ValueFault) -> Int {
        let hint = "Write a number from \(range.lowerBound) to \(range.upperBound)."
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            let negative = text.hasPrefix("-") && Int(text) != nil
            throw ValueFault(
                "\(Printable.quoted(text)) is \(negative ? "below zero" : "not a whole number")", hint: hint)
        }
        guard let value = Int(text), range.contains(value) else {
            throw ValueFault("\(Printable.quoted(text)) is out of range", hint: hint)
        }
        return value
    }

    /// A size in a range.
    static func size(
        _ text: String, bareUnit: ByteUnit?, in range: ClosedRange<ByteCount>
    ) throws(ValueFault) -> ByteCount {
        let size: ByteCount
        do throws(SizeError) {
            size = try ByteCount(parsing: text, bareUnit: bareUnit)
        } catch {
            throw ValueFault("\(Printable.quoted(text)) \(error)", hint: error.remedy)
        }
        guard range.contains(size) else {
            throw ValueFault(
                "\(Printable.quoted(text)) is out of range: it is \(size)",
                hint: "Write a size from \(range.lowerBound) to \(range.upperBound).")
        }
        return size
    }

    /// A file's path, made absolute. A `..` stays: behind a symbolic link it is not what it looks like.
    static func path(_ text: String, in directory: FilePath) throws(ValueFault) -> FilePath {
        if text.contains("://") {
            throw ValueFault(
                "\(Printable.quoted(text)) is a URL, and only local paths are opened", hint: "Write the path of a file."
            )
        }
        if text.hasSuffix("/") {
            throw ValueFault("\(Printable.quoted(text)) names a directory", hint: "Write the path of a file in it.")
        }
        let path = directory.pushing(FilePath(text))
        let parts = path.components.filter { $0.kind != .currentDirectory }
        // PATH_MAX and NAME_MAX of limits.h, less the NUL.
        guard path.string.utf8.count < 4096, parts.allSatisfy({ $0.string.utf8.count <= 255 }) else {
            throw ValueFault(
                "the path is longer than Linux takes", hint: "At most 4095 bytes in all, and 255 between two '/'.")
        }
        return FilePath(root: path.root, parts)
    }

    /// Text that matches a set of bytes throughout.
    static func text(
        _ text: String, _ what: String, limit: Int, hint: String, where allowed: (UInt8) -> Bool
    ) throws(ValueFault) -> String {
        if let offset = text.utf8.enumerated().first(where: { !allowed($0.element) })?.offset {
            throw ValueFault("\(Printable.quoted(text)) is no \(what)", hint: hint, range: offset..<offset + 1)
        }
        guard text.utf8.count <= limit else {
            throw ValueFault("\(Printable.quoted(text)) is too long: \(text.utf8.count) bytes", hint: hint)
        }
        return text
    }

    /// Letters, digits, and some more characters.
    static func isWord(_ byte: UInt8, or more: String) -> Bool {
        switch Unicode.Scalar(byte) {
        case "A"..."Z", "a"..."z", "0"..."9": true
        default: more.utf8.contains(byte)
        }
    }
}
