/// What to do about what went wrong.
///
/// A string literal is advice; a command is never read out of a text.
package enum Remedy: Hashable, Sendable {
    /// A line for a shell that mends it, as root unless it says otherwise: what it does, the line, and what else there is
    /// to do. It stops nothing that works, and deletes nothing: where only that helps, it is advice.
    case run(_ purpose: String, ShellCommand, or: String? = nil)
    /// What a person has to do or to decide. Commands that it shows only look, or lack a word that is the person's choice.
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
