import Glibc
import SystemPackage
import VMCore
import VMHost
import VMReports

/// Prints text that is no report. It replaces Swift's `print` throughout the command line, so that no name or path can
/// control a terminal.
func print(_ text: String) {
    PrintedResults.note(text)
    Swift.print(Printable.lines(text))
}

/// The results that a command printed of its changes. If they do not arrive, stderr says that the changes were made.
enum PrintedResults {
    // Only the main thread prints.
    nonisolated(unsafe) private(set) static var noted: [String] = []
    nonisolated(unsafe) private static var word: String?

    /// Starts recording, for a command with this deed, such as `it runs`.
    static func begin(_ word: String) { self.word = word }

    /// Prints a report.
    static func print(_ report: some Report, as format: Format) {
        // Of what failed there is nothing that was done.
        if (report as? VMResults)?.isFailure != true { note(report.condensed(as: format)) }
        Swift.print(report.rendered(as: format), terminator: "")
    }

    static func note(_ text: @autoclosure () -> String) {
        guard let word else { return }
        noted += text().split(separator: "\n").map { "\(word) all the same: \($0)" }
    }
}

extension VMError {
    /// A result that did not arrive is not a success.
    static func lostOutput(_ errno: Errno) -> VMError {
        VMError(
            .cannotCreate, "stdout", "can't be written", errno: errno,
            remedy: "free some space, or send the output elsewhere",
            details: PrintedResults.noted)
    }
}

/// stdout, unbuffered, for output that comes in pieces.
enum ResultStream {
    /// Writes bytes as they are. False if the reader is gone, as `head` is: it has had what it wanted.
    static func write(_ bytes: [UInt8]) throws(VMError) -> Bool {
        do throws(Errno) { try writeAll(bytes, to: .standardOutput) } catch .brokenPipe {
            return false
        } catch {
            throw .lostOutput(error)
        }
        return true
    }

    /// Waits for a while. False as soon as the reader is gone.
    static func isOpen(for duration: Duration) -> Bool {
        // No events are requested: errors are always reported (poll(2)).
        var set = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return poll(&set, 1, CInt(clamping: duration.wholeMilliseconds)) <= 0
    }
}
