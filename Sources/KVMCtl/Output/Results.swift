import Glibc
import SystemPackage
import VMCore
import VMHost

/// Prints a result for people. It stands in for Swift's `print` in all of the command line, so that no name or path can
/// drive a terminal.
func print(_ text: String, terminator: String = "\n") {
    Deeds.note(text)
    Swift.print(Printable.lines(text), terminator: terminator)
}

/// What a command that changes something has printed of it: where that does not arrive, it is said on stderr that it was done.
enum Deeds {
    // Only the main thread prints.
    nonisolated(unsafe) private(set) static var noted: [String] = []
    nonisolated(unsafe) private static var word: String?

    /// From here on, for a command of which that can be said: `it runs`.
    static func begin(_ word: String) { self.word = word }

    static func note(_ text: @autoclosure () -> String) {
        guard let word else { return }
        noted += text().split(separator: "\n").map { "\(word) all the same: \($0)" }
    }
}

extension Printable {
    /// Lines made safe for a terminal, with tabs.
    static func lines(_ text: String) -> String { escaped(text, keeping: ["\n", "\t"]) }
}

extension VMError {
    /// A result that did not arrive is no success.
    static func lostOutput(_ errno: Errno) -> VMError {
        VMError(
            .cannotCreate, "stdout", "can't be written", errno: errno,
            remedy: "free some space, or send the output elsewhere",
            details: Deeds.noted)
    }
}

/// stdout for what comes piece by piece, unbuffered.
enum ResultStream {
    /// Writes bytes as they are. False where the reader has gone, as `head` does: it has had what it wanted.
    static func write(_ bytes: [UInt8]) throws(VMError) -> Bool {
        do throws(Errno) { try writeAll(bytes, to: .standardOutput) } catch .brokenPipe {
            return false
        } catch {
            throw .lostOutput(error)
        }
        return true
    }

    /// Waits a while. False as soon as the reader has gone.
    static func isOpen(for duration: Duration) -> Bool {
        // Nothing is asked for: an error is always told (poll(2)).
        var set = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return poll(&set, 1, CInt(clamping: duration.wholeMilliseconds)) <= 0
    }
}
