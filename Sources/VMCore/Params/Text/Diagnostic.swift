/// One thing that is wrong, or risky, in a params file, and where.
package struct Diagnostic: Equatable, Sendable {
    /// What kind of thing, and with it the exit code that it leads to.
    package enum Kind: Sendable {
        /// The content is wrong: exit 65.
        case badData
        /// The content is right, but asks for what this version can't do yet: exit 69.
        case unavailable
        /// Worth knowing; stops nothing.
        case warning
    }

    /// What kind of thing this is.
    package var kind: Kind
    /// The line, from 1.
    package var line: Int
    /// The column, from 1, in Unicode scalars; a tab is one, and so is each byte that is not valid UTF-8.
    package var column: Int
    /// How many columns are meant, at least 1.
    package var length: Int
    /// What is wrong, in one clause.
    package var message: String
    /// What to do about it, in one line.
    package var hint: String?
    /// The changes that the hint offers, each by itself a way out that was tried.
    package var edits: [LineEdit] = []
    /// Values that the hint names as right ones.
    var examples: [String] = []
    /// The source line, made safe to print and cut around the place, then the carets under it; or nothing, where no
    /// one line is to blame.
    package var excerpt: [String]

    /// Whether a file with this diagnostic is refused.
    package var isError: Bool { kind != .warning }

    /// The lines to show: `FILE:LINE:COLUMN: error: MESSAGE`, the excerpt, the hint.
    package func rendered(file: String) -> [String] {
        let severity = isError ? "error" : "warning"
        let header = "\(file):\(line):\(column): \(severity): \(message)"
        return [header] + (excerpt + (hint.map { [$0] } ?? [])).map { "    " + $0 }
    }
}

/// A diagnostic before it is laid out: the place is still a range of bytes.
@dynamicMemberLookup
struct Fault: Error, Equatable {
    var kind = Diagnostic.Kind.badData
    /// From 1.
    var line: Int
    /// Offsets in the file, all on that line; nil: no one line is to blame.
    var span: Range<Int>?
    var message: String
    /// The key of the line, if it got so far: what needs that key is then not blamed for its absence.
    var key: String?
    @Apart var advice = FaultAdvice()

    package init(
        kind: Diagnostic.Kind = .badData, line: Int, span: Range<Int>? = nil, message: String, hint: Hint?,
        key: String? = nil
    ) {
        self.kind = kind
        self.line = line
        self.span = span
        self.message = message
        self.key = key
        advice.hint = hint
    }

    package subscript<Part>(dynamicMember part: WritableKeyPath<FaultAdvice, Part>) -> Part {
        get { advice[keyPath: part] }
        set { advice[keyPath: part] = newValue }
    }
}

/// What can be said of a fault beside what it is.
package struct FaultAdvice: Equatable {
    var hint: Hint?
    /// Better hints, each given only if what it offers is accepted, the best first.
    var trying: [Hint] = []
    /// What the line was meant to be, which is tried before all hints.
    var repair: LineRepair?
    /// The value of the line, if it has got one.
    var value: FaultyValue?
    /// Where the value can't be read: the characters that it may have been meant to be.
    var literal: LiteralValue?
}

/// A large value in memory of its own: what may hold a fault, and mostly does not, stays small and quick to hand on.
@propertyWrapper struct Apart<Value: Equatable & Sendable>: Equatable, Sendable {
    private var storage: [Value]

    package init(wrappedValue: Value) { storage = [wrappedValue] }

    var wrappedValue: Value {
        get { storage[0] }
        set { storage[0] = newValue }
    }
}

/// Characters that sh would do more with than read, as a value.
struct LiteralValue: Equatable {
    var characters: String
    /// How a hint begins that says to write them quoted.
    var lead: String

    /// That hint; nil where they can't be shown.
    func hint(_ key: String) -> Hint? {
        guard characters.utf8.count <= 80, characters.unicodeScalars.allSatisfy(Printable.isPlain) else { return nil }
        return "\(lead) \(line: ParamsLine(key, characters))"
    }
}

/// A value of which some part is at fault.
struct FaultyValue: Equatable {
    var whole: String
    /// Offsets in its UTF-8; nil: all of it.
    var range: Range<Int>?

    /// The value with another text for that part.
    func replaced(by text: String) -> String {
        guard let range else { return text }
        var bytes = Array(whole.utf8)
        bytes.replaceSubrange(range.clamped(to: 0..<bytes.count), with: text.utf8)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Why one value is refused; the decoder knows whose value it is and where it stands.
@dynamicMemberLookup
package struct ValueFault: Error, Equatable {
    var kind = Diagnostic.Kind.badData
    /// Follows `KEY: `.
    var message: String
    /// Offsets in the value's UTF-8; nil: all of it.
    var range: Range<Int>?
    @Apart var advice = FaultAdvice()

    /// - Parameter trying: better hints, each given only if what it offers is accepted.
    package init(
        _ message: String, hint: Hint? = nil, trying: [Hint] = [], range: Range<Int>? = nil,
        kind: Diagnostic.Kind = .badData
    ) {
        self.kind = kind
        self.message = message
        self.range = range
        advice = FaultAdvice(hint: hint, trying: trying)
    }

    package subscript<Part>(dynamicMember part: WritableKeyPath<FaultAdvice, Part>) -> Part {
        get { advice[keyPath: part] }
        set { advice[keyPath: part] = newValue }
    }
}

/// The faults of one file: the first hundred, and a count of the rest, so that no input makes an endless report.
struct FaultLog {
    static let limit = 100

    private(set) var faults: [Fault] = []
    private(set) var unlisted = 0
    private(set) var errors = 0
    private(set) var hasBadData = false

    /// Further faults are only counted.
    var isFull: Bool { faults.count >= Self.limit }

    mutating func add(_ fault: Fault) {
        if fault.kind != .warning { errors += 1 }
        if fault.kind == .badData { hasBadData = true }
        if isFull { unlisted += 1 } else { faults.append(fault) }
    }
}
