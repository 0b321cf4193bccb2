/// One thing that is wrong, or risky, in a params file, and where.
public struct Diagnostic: Equatable, Sendable {
    /// What kind of thing, and with it the exit code that it leads to.
    public enum Kind: Sendable {
        /// The content is wrong: exit 65.
        case badData
        /// The content is right, but asks for what this version can't do yet: exit 69.
        case unavailable
        /// Worth knowing; stops nothing.
        case warning
    }

    /// What kind of thing this is.
    public var kind: Kind
    /// The line, from 1.
    public var line: Int
    /// The column, from 1, in Unicode scalars; a tab is one, and so is each byte that is not valid UTF-8.
    public var column: Int
    /// How many columns are meant, at least 1.
    public var length: Int
    /// What is wrong, in one clause.
    public var message: String
    /// What to do about it, in one line.
    public var hint: String?
    /// The source line, made safe to print and cut around the place, then the carets under it; or nothing, where no
    /// one line is to blame.
    public var excerpt: [String]

    /// Whether a file with this diagnostic is refused.
    public var isError: Bool { kind != .warning }

    /// The lines to show: `FILE:LINE:COLUMN: error: MESSAGE`, the excerpt, the hint.
    public func rendered(file: String) -> [String] {
        let severity = isError ? "error" : "warning"
        let header = "\(file):\(line):\(column): \(severity): \(message)"
        return [header] + (excerpt + (hint.map { [$0] } ?? [])).map { "    " + $0 }
    }
}

/// A diagnostic before it is laid out: the place is still a range of bytes.
struct Fault: Error, Equatable {
    var kind = Diagnostic.Kind.badData
    /// From 1.
    var line: Int
    /// Offsets in the file, all on that line; nil: no one line is to blame.
    var span: Range<Int>?
    var message: String
    var hint: String?
    /// The key of the line, if it got so far: what needs that key is then not blamed for its absence.
    var key: String?
}

/// Why one value is refused; the decoder knows whose value it is and where it stands.
struct ValueFault: Error, Equatable {
    var kind = Diagnostic.Kind.badData
    /// Follows `KEY: `.
    var message: String
    var hint: String?
    /// Offsets in the value's UTF-8; nil: all of it.
    var range: Range<Int>?

    init(_ message: String, hint: String? = nil, range: Range<Int>? = nil, kind: Diagnostic.Kind = .badData) {
        self.kind = kind
        self.message = message
        self.hint = hint
        self.range = range
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
