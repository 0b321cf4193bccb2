import CLinux
import Glibc
import VMCore
import VMHost

/// The terminal that a command draws on again and again. It is in raw mode for as long as this lives: keys are not shown,
/// and Ctrl-C is one of them, so that the terminal is always given back.
struct TopScreen: ~Copyable {
    /// Nil if stdin or stdout is no terminal.
    init?() {
        guard isatty(STDOUT_FILENO) == 1, clinux_terminal_raw(STDIN_FILENO) == 0 else { return nil }
    }

    deinit { clinux_terminal_restore() }

    /// Draws lines from the top of the screen, cut to its size. False if nobody reads it any longer.
    func draw(_ text: String) throws(VMError) -> Bool {
        let size = TerminalSize.current
        let (all, room) = (text.split(separator: "\n"), max(1, size.rows - 1))
        let shown =
            all.count <= room || room < 3
            ? all.prefix(room) : all.prefix(room - 1) + ["and \(all.count - room + 1) more"]
        let lines = shown.map { line in
            // Cursor home once, each line cleared behind its end, and the rest of the screen (ECMA-48, CUP, EL, ED).
            "\(line.prefix(size.columns))\u{1b}[K\r\n"
        }
        return try ResultStream.write(Array("\u{1b}[H\(lines.joined())\u{1b}[J".utf8))
    }

    /// Waits. False as soon as the user leaves, by q or Ctrl-C, or the terminal is gone.
    ///
    /// - Parameter redrawing: called if the terminal's size changes.
    func stays<Failure>(for duration: Duration, redrawing: () throws(Failure) -> Void) throws(Failure) -> Bool {
        let deadline = Deadline(in: duration)
        var size = TerminalSize.current
        while !deadline.hasPassed {
            var keyboard = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            if poll(&keyboard, 1, min(200, deadline.milliseconds)) > 0, Self.isLeaving { return false }
            let now = TerminalSize.current
            guard now != size else { continue }
            size = now
            try redrawing()
        }
        return true
    }

    /// Reads what was typed.
    private static var isLeaving: Bool {
        var keys = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &keys, keys.count)
        if count < 0 { return errno != EINTR && errno != EAGAIN }
        // The end of the input; Ctrl-C, Ctrl-D and Ctrl-\ are these bytes (termios(3)).
        return count == 0 || keys[..<count].contains { [3, 4, 28, UInt8(ascii: "q"), UInt8(ascii: "Q")].contains($0) }
    }
}
