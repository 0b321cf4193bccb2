import CLinux
import Glibc

/// Why a console session ended.
package enum ConsoleEnd: Sendable {
    /// The user pressed Ctrl-].
    case left
    /// The VM ended.
    case closed
    /// The input ended, or nothing reads the output any more.
    case hungUp
}

/// What the user types at a console. A terminal is in raw mode for as long as this lives.
struct ConsoleKeyboard: ~Copyable {
    /// Ctrl-].
    private static let escape: UInt8 = 0x1d
    /// The most bytes read at a time.
    static let piece = 4096

    let descriptor: CInt
    let isTerminal: Bool

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        isTerminal = clinux_terminal_raw(descriptor) == 0
    }

    deinit { if isTerminal { clinux_terminal_restore() } }

    /// Reads what was typed, up to Ctrl-]; and why the session ends, if it does.
    func read() -> (typed: ArraySlice<UInt8>, end: ConsoleEnd?) {
        var chunk = [UInt8](repeating: 0, count: Self.piece)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return ([], nil) }
        guard count > 0 else { return ([], .hungUp) }
        let typed = chunk[..<count].prefix { $0 != Self.escape }
        return (typed, typed.count < count ? .left : nil)
    }
}
