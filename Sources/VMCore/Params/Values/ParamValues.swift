import SystemPackage

/// Parsers that several keys share. Each takes the whole value.
package enum ParamValue {
    /// `yes`, `no` and their synonyms.
    static func bool(_ text: String) throws(ValueFault) -> Bool {
        switch text.lowercased() {
        case "yes", "true", "on", "1": return true
        case "no", "false", "off", "0": return false
        default:
            throw ValueFault(
                "\(Printable.quoted(text)) is neither yes nor no", hint: "Write \(example: "yes") or \(example: "no").")
        }
    }

    /// Words of a closed set, in any case, with commas between them.
    ///
    /// - Parameters:
    ///   - noun: What each of them is, such as `a state`.
    ///   - rule: What comes before the words in a fault, such as `States are`.
    static func list<Word: CaseIterable & RawRepresentable<String>>(
        _ text: String, each noun: String, rule: String
    ) throws(ValueFault) -> [Word] {
        var words: [Word] = []
        for text in text.split(separator: ",", omittingEmptySubsequences: false).map({ $0.lowercased() }) {
            guard let word = Word(rawValue: text) else {
                let names = Word.allCases.map(\.rawValue)
                let nearest = Nearest.match(text, among: names).map { "Did you mean \($0)? " } ?? ""
                throw ValueFault(
                    "\(Printable.quoted(text)) is not \(noun)",
                    hint: Hint(text: "\(nearest)\(rule): \(names.joined(separator: ","))"))
            }
            words.append(word)
        }
        return words
    }

    /// One of an enumeration's words.
    static func word<Value: RawRepresentable<String> & CaseIterable>(_ text: String) throws(ValueFault) -> Value {
        if let value = Value(rawValue: text) { return value }
        throw unknownWord(text, of: Value.allCases.map(\.rawValue))
    }

    /// The fault of a word that is not in a list.
    static func unknownWord(_ text: String, of words: [String], range: Range<Int>? = nil) -> ValueFault {
        let list = words.joined(separator: ", ")
        let hint = Hint(text: "Valid values are \(list).", examples: words)
        let nearest = Nearest.match(text.lowercased(), among: words).map { word -> Hint in
            "Did you mean \(part: word)? Valid values are \(list)."
        }
        return ValueFault(
            "\(Printable.quoted(text)) is unknown", hint: hint, trying: [nearest].compactMap(\.self), range: range)
    }

    /// A decimal number in a range.
    static func integer(_ text: String, in range: ClosedRange<Int>) throws(ValueFault) -> Int {
        // Made only for a fault, which most values don't have.
        var hint: Hint { "Write a number from \(example: range.lowerBound) to \(example: range.upperBound)." }
        guard text.utf8.allSatisfy(\.isDigit) else {
            let negative = text.hasPrefix("-") && Int(text) != nil
            throw ValueFault(
                "\(Printable.quoted(text)) is \(negative ? "below zero" : "not a whole number")", hint: hint)
        }
        guard let value = Int(text), range.contains(value) else {
            throw ValueFault("\(Printable.quoted(text)) is out of range", hint: hint)
        }
        return value
    }

    /// `30s`, `2m`, `1h`, or bare seconds.
    static func duration(_ text: String) throws(ValueFault) -> Duration {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600]
        let factor = text.last.flatMap { units[$0] }
        let digits = factor == nil ? text[...] : text.dropLast()
        let limit: Int64 = 365 * 86400
        guard let number = Int64(digits), (0...limit).contains(number), number * (factor ?? 1) <= limit else {
            throw ValueFault(
                "\(Printable.quoted(text)) is not a duration",
                hint: """
                    Write seconds, minutes or hours, such as \(example: "30s"), \(example: "2m") or \(example: "1h"); at \
                    most a year.
                    """)
        }
        return .seconds(number * (factor ?? 1))
    }

    /// A size in a range.
    static func size(
        _ text: String, bareUnit: ByteUnit?, in range: ClosedRange<ByteCount>
    ) throws(ValueFault) -> ByteCount {
        var limits: Hint {
            let (least, most) = (range.lowerBound.parameter(bare: bareUnit), range.upperBound.parameter(bare: bareUnit))
            return "Write a size from \(example: least) to \(example: most)."
        }
        let size: ByteCount
        do throws(SizeError) {
            size = try ByteCount(parsing: text, bareUnit: bareUnit)
        } catch {
            switch error {
            case .tooLarge: throw ValueFault("\(Printable.quoted(text)) is too large", hint: limits)
            case .missingUnit:
                throw ValueFault(
                    "\(Printable.quoted(text)) \(error)", hint: Hint(error),
                    trying: [
                        "Write \(value: "\(text)G") for GiB, or \(value: "\(text)M") for MiB.",
                        "Write \(value: "\(text)M") for MiB, or \(value: "\(text)K") for KiB.",
                    ])
            case .notANumber, .unknownUnit:
                let bare = bareUnit.map { " A bare number is in \($0.symbol)." } ?? ""
                throw ValueFault(
                    "\(Printable.quoted(text)) \(error)", hint: Hint(error).followed(by: bare),
                    trying: ByteCount.withoutBlanks(text).map { ["Write \(value: $0), without a space."] } ?? [])
            case .ambiguousUnit(let unit, let binary):
                let number = text.dropLast(unit.count)
                throw ValueFault(
                    "\(Printable.quoted(text)) \(error)", hint: Hint(error),
                    trying: ["Sizes are binary here: write \(value: "\(number)\(binary)"), which counts in 1024s."])
            case .negative, .fractionOfAByte:
                throw ValueFault("\(Printable.quoted(text)) \(error)", hint: Hint(error))
            }
        }
        guard range.contains(size) else {
            throw ValueFault("\(Printable.quoted(text)) is out of range: it is \(size)", hint: limits)
        }
        return size
    }

    /// A file's path, made absolute. A `..` is kept: after a symbolic link it does not lead where it seems to.
    static func path(_ text: String, in directory: String) throws(ValueFault) -> FilePath {
        if isURL(text) {
            throw ValueFault(
                "\(Printable.quoted(text)) is a URL, and only local paths are opened",
                hint: "Write the path of a file or a block device."
            )
        }
        if text.hasSuffix("/") {
            throw ValueFault("\(Printable.quoted(text)) names a directory", hint: "Write the path of a file in it.")
        }
        let absolute = text.utf8.first == UInt8(ascii: "/") ? text : directory + "/" + text
        // PATH_MAX and NAME_MAX of limits.h, less the NUL. Checked first: making a FilePath takes quadratic time.
        guard absolute.utf8.count < 4096, let isPlain = isPlain(absolute) else {
            throw ValueFault(
                "the path is longer than Linux allows", hint: "At most 4095 bytes in all, and 255 between two '/'.")
        }
        if isPlain { return FilePath(absolute) }
        let parts = absolute.utf8.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
        return FilePath("/" + parts.map { String(Substring($0)) }.joined(separator: "/"))
    }

    /// Whether an absolute path has no empty component and no `.`, as nearly all have; nil: a component is too long.
    private static func isPlain(_ absolute: String) -> Bool? {
        var isPlain = true
        var length = 0
        var isDot = false
        for byte in absolute.utf8.dropFirst() {
            if byte == UInt8(ascii: "/") {
                if length == 0 || isDot { isPlain = false }
                length = 0
            } else {
                isDot = length == 0 && byte == UInt8(ascii: ".")
                length += 1
                if length > 255 { return nil }
            }
        }
        return isPlain && length > 0 && !isDot
    }

    /// Whether the text begins with a scheme and `://`, as QEMU's names for network block devices do.
    private static func isURL(_ text: String) -> Bool {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
        return text.utf8[..<colon].allSatisfy { $0.isPlain(or: "+-.") } && text.utf8[colon...].starts(with: "://".utf8)
    }

    /// Text that consists of allowed bytes only.
    static func text(
        _ text: String, _ what: String, limit: Int, hint: Hint, trying: [Hint] = [], where allowed: (UInt8) -> Bool
    ) throws(ValueFault) -> String {
        if let bad = text.unicodeScalars.firstIndex(where: { !$0.isASCII || !allowed(UInt8(ascii: $0)) }) {
            let offset = text.utf8.distance(from: text.startIndex, to: bad)
            let length = UTF8.width(text.unicodeScalars[bad])
            throw ValueFault(
                "\(Printable.quoted(text)) is not a \(what)", hint: hint, trying: trying,
                range: offset..<offset + length)
        }
        guard text.utf8.count <= limit else {
            throw ValueFault("\(Printable.quoted(text)) is too long: \(text.utf8.count) bytes", hint: hint)
        }
        return text
    }
}
