import Glibc
import VMCore
import VMReports

/// A question before something that can't be undone.
enum Question {
    /// Whether a user can see it and answer it.
    static var canBeAsked: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Asks, and accepts only a clear yes; the end of the input is not one.
    ///
    /// - Parameter lines: What the question is about.
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
