/// A command line for a POSIX shell that a person can paste.
///
/// A literal is split into words at spaces; an interpolated value is one word, or part of one, whatever it holds. Both
/// are quoted for the shell, so that no name from a file can become a command:
///
///     let line: ShellCommand = "mkdir -p \(directory)"
///
/// The shell's own operators are methods.
package struct ShellCommand: Hashable, Sendable, CustomStringConvertible {
    /// The line.
    package let description: String

    /// The command of these words, the program first.
    package init(words: [String]) { description = words.map(Self.quoted).joined(separator: " ") }

    private init(line: String) { description = line }

    /// `a && b`
    func and(_ next: ShellCommand) -> ShellCommand { ShellCommand(line: "\(self) && \(next)") }

    /// `a || b`
    func otherwise(_ next: ShellCommand) -> ShellCommand { ShellCommand(line: "\(self) || \(next)") }

    /// `a | b`
    func piped(to next: ShellCommand) -> ShellCommand { ShellCommand(line: "\(self) | \(next)") }

    /// `a <file`
    func reading(from file: some CustomStringConvertible) -> ShellCommand {
        ShellCommand(line: "\(self) <\(Self.quoted(file.description))")
    }

    /// `a >file`
    func writing(to file: some CustomStringConvertible) -> ShellCommand {
        ShellCommand(line: "\(self) >\(Self.quoted(file.description))")
    }

    /// `a >>file`
    package func appending(to file: some CustomStringConvertible) -> ShellCommand {
        ShellCommand(line: "\(self) >>\(Self.quoted(file.description))")
    }
}

extension ShellCommand: ExpressibleByStringInterpolation {
    /// Collects the words of a literal.
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var words: [String] = []
        /// Whether the last word may still grow.
        private var isOpen = false

        /// Starts without words.
        package init(literalCapacity: Int, interpolationCount: Int) {}

        /// Adds words. The first continues the word before it, unless a space separates them.
        package mutating func appendLiteral(_ literal: String) {
            for character in literal {
                if character == " " { isOpen = false } else { add(String(character)) }
            }
        }

        /// Adds to the current word, or starts one; an empty value is a word too.
        package mutating func appendInterpolation(_ word: some CustomStringConvertible) { add(word.description) }

        private mutating func add(_ text: String) {
            if isOpen { words[words.count - 1] += text } else { words.append(text) }
            isOpen = true
        }
    }

    /// The command of an interpolated literal.
    package init(stringInterpolation: StringInterpolation) { self.init(words: stringInterpolation.words) }

    /// The command of a plain literal.
    package init(stringLiteral: String) { self.init(words: stringLiteral.split(separator: " ").map(String.init)) }
}

extension ShellCommand {
    /// Text as one word: unquoted where that is safe, else in single quotes. Text with a back-quote, which would end a
    /// command in a message, or with a character that is not printed as itself, is in the $'…' of POSIX.1-2024.
    private static func quoted(_ text: String) -> String {
        text.unicodeScalars.allSatisfy(isShown) ? singleQuoted(text) : "$'\(escaped(text))'"
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool { scalar != "`" && Printable.isPlain(scalar) }

    /// Text as one word: unquoted where that is safe, else in single quotes.
    package static func singleQuoted(_ text: String) -> String {
        // zsh expands a word that begins with = to the path of a program.
        if !text.isEmpty, text.utf8.first != UInt8(ascii: "="), text.utf8.allSatisfy(ShellWord.isOrdinary) {
            return text
        }
        // By scalars: a quote and the combining mark after it are one Character, but sh sees the quote.
        let parts = text.unicodeScalars.split(separator: "'", omittingEmptySubsequences: false)
        return "'" + parts.map { String($0) }.joined(separator: "'\\''") + "'"
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { line, scalar in
            if scalar == "\\" {
                line += "\\\\"
            } else if isShown(scalar), scalar != "'" {
                line += String(scalar)
            } else {
                // A quote too: a shell that does not know $'…' sees a word, and no end of it. Byte by byte, three digits each, so that a digit that follows is not taken for one of them.
                for byte in String(scalar).utf8 {
                    let digits = String(byte, radix: 8)
                    line += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
        }
    }
}

extension DefaultStringInterpolation {
    /// Shows a command in a message, between back-quotes.
    package mutating func appendInterpolation(command: ShellCommand) { appendLiteral("`\(command)`") }
}
