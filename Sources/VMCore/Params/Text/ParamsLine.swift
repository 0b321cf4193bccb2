/// A line of a params file, as it can be written into one: its value is quoted where it has to be.
package struct ParamsLine: Hashable, Sendable, CustomStringConvertible {
    /// The key as it is written, such as `DISK0`.
    package var key: String
    /// The value that the file then has.
    package var value: String

    /// Says that a key has a value. No line can hold a control character; the file that it is written into is refused.
    package init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }

    /// The same, for a key that the schema knows.
    package init(_ name: KeyName, _ value: String) { self.init(name.description, value) }

    /// The line, without its end.
    package var description: String { "\(key)=\(Quoting.whereNeeded.written(value))" }
}

/// How a value is quoted in a line. sh and the lexer read the same value back from every style.
enum Quoting: Equatable, Sendable {
    /// Without quotes, unless sh could do more with the value than read it.
    case whereNeeded
    /// `'…'`
    case single
    /// `"…"`
    case double

    /// The style of a value in a file.
    init(of written: ArraySlice<UInt8>) {
        switch written.first {
        case UInt8(ascii: "'"): self = .single
        case UInt8(ascii: "\""): self = .double
        default: self = .whereNeeded
        }
    }

    /// The value in this style. If that would need an escape, it is quoted as sh scripts usually are.
    func written(_ value: String) -> String {
        switch self {
        case .single where !value.utf8.contains(UInt8(ascii: "'")): "'\(value)'"
        case .double where !value.utf8.contains(where: ShellWord.isEscapedInDoubleQuotes): "\"\(value)\""
        default: ShellCommand.singleQuoted(value)
        }
    }
}
