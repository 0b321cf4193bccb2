import Glibc
import VMCore

/// A question before something that can't be taken back.
enum Question {
    /// Whether somebody sits there who sees it and can answer it.
    static var canBeAsked: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Asks, and takes only a clear yes for one; the end of the input is none.
    ///
    /// - Parameter lines: what it is about.
    static func isAnsweredWithYes(_ question: String, about lines: [String]) -> Bool {
        for line in lines { Message.write("\(Printable.lines(line))\n") }
        Message.write("\(Printable.lines(question)) [y/N] ")
        guard let answer = readLine() else {
            Message.write("\n")
            return false
        }
        return ["y", "yes"].contains(answer.lowercased())
    }
}
