/// What to do about an error.
///
/// A string literal is advice; commands are never parsed out of text.
package enum Remedy: Hashable, Sendable {
    /// A shell command that fixes it, to be run as root unless it says otherwise: its purpose, the command, and an
    /// alternative. It never stops something that works or deletes anything: where only that helps, it is advice.
    case run(_ purpose: String, ShellCommand, or: String? = nil)
    /// What a person has to do or decide. Commands in it only look, or leave out a word for the person to choose.
    case advice(String)
}

extension Remedy: ExpressibleByStringInterpolation {
    /// Advice.
    package init(stringLiteral text: String) { self = .advice(text) }

    /// Advice.
    package init(stringInterpolation: DefaultStringInterpolation) {
        self = .advice(String(stringInterpolation: stringInterpolation))
    }
}

extension Remedy: CustomStringConvertible {
    /// In one line, for people.
    package var description: String {
        switch self {
        case .run(let purpose, let command, let otherwise):
            "\(purpose): \(command: command)" + (otherwise.map { ", or \($0)" } ?? "")
        case .advice(let text): text
        }
    }
}
