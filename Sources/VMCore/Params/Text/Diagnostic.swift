import SystemPackage

/// One thing that is wrong, or risky, in a params file, and where.
package struct Diagnostic: Equatable, Sendable {
    /// The kind of problem, which decides the exit code.
    package enum Kind: Sendable {
        /// The content is wrong: exit 65.
        case badData
        /// The content is right, but asks for something that this version can't do yet: exit 69.
        case unavailable
        /// Worth knowing, but does not stop anything.
        case warning
    }

    /// The kind of problem.
    package var kind: Kind
    /// The file, if it is one that the params file includes.
    package var file: FilePath?
    /// The line, from 1.
    package var line: Int
    /// The column, from 1, in Unicode scalars; a tab is one, and so is each byte that is not valid UTF-8.
    package var column: Int
    /// How many columns are marked, at least 1.
    package var length: Int
    /// What is wrong, in one clause.
    package var message: String
    /// What to do about it, in one line.
    package var hint: String?
    /// The changes that the hint offers; each was tried and solves the problem by itself.
    package var edits: [LineEdit] = []
    /// Valid values that the hint names.
    var examples: [String] = []
    /// The source line, made safe to print and cut around the place, and the carets under it; empty if the problem is
    /// not on one particular line.
    package var excerpt: [String]

    /// Whether a file with this diagnostic is refused.
    package var isError: Bool { kind != .warning }

    /// The lines to show: `FILE:LINE:COLUMN: error: MESSAGE`, the excerpt, the hint.
    package func rendered(file: String) -> [String] {
        let file = self.file.map { Printable.escaped($0.string) } ?? file
        return rendered(at: "\(file):\(line):\(column)")
    }

    /// The same for another place than a line of a file: `PLACE: error: MESSAGE`.
    func rendered(at place: String) -> [String] {
        let header = "\(place): \(isError ? "error" : "warning"): \(message)"
        return [header] + (excerpt + (hint.map { [$0] } ?? [])).map { "    " + $0 }
    }
}

/// A diagnostic before it is laid out: the place is still a range of bytes.
@dynamicMemberLookup
struct Fault: Error, Equatable {
    var kind = Diagnostic.Kind.badData
    /// From 1.
    var line: Int
    /// Which of the files it is in: 0 is the params file itself, then those that are included.
    var source = 0
    /// Offsets in the file, all on that line; nil: the fault is not on one particular line.
    var span: Range<Int>?
    var message: String
    /// The key of the line, if it could be read: keys that need it are then not reported as lacking it.
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

/// Advice on a fault.
package struct FaultAdvice: Equatable {
    var hint: Hint?
    /// Better hints, the best first; each is given only if what it offers is accepted.
    var trying: [Hint] = []
    /// What the line was meant to be, which is tried before all hints.
    var repair: LineRepair?
    /// The value of the line, if it has one.
    var value: FaultyValue?
    /// If the value can't be read: the literal characters that may have been meant.
    var literal: LiteralValue?
}

/// Stores a large value out of line, so that a type that rarely holds a fault stays small and cheap to pass on.
@propertyWrapper struct Apart<Value: Equatable & Sendable>: Equatable, Sendable {
    private var storage: [Value]

    package init(wrappedValue: Value) { storage = [wrappedValue] }

    var wrappedValue: Value {
        get { storage[0] }
        set { storage[0] = newValue }
    }
}

/// Literal characters of a value that sh would expand or run.
struct LiteralValue: Equatable {
    var characters: String
    /// The beginning of the hint that says to quote them.
    var lead: String

    /// The hint; nil if they can't be shown.
    func hint(_ key: String) -> Hint? {
        guard characters.utf8.count <= 80, characters.unicodeScalars.allSatisfy(Printable.isPlain) else { return nil }
        return "\(lead) \(line: ParamsLine(key, characters))"
    }
}

/// A value that is wrong, or part of which is.
struct FaultyValue: Equatable {
    var whole: String
    /// Offsets in its UTF-8; nil: all of it.
    var range: Range<Int>?

    /// The value with that part replaced.
    func replaced(by text: String) -> String {
        guard let range else { return text }
        var bytes = Array(whole.utf8)
        bytes.replaceSubrange(range.clamped(to: 0..<bytes.count), with: text.utf8)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Why a value is refused; the decoder adds the key and the place.
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
