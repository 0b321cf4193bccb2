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

    /// The line, without its end.
    package var description: String { "\(key)=\(ShellCommand.singleQuoted(value))" }
}
