import CLinux
import Glibc
import VMCore

/// Why a console session ended.
package enum ConsoleEnd: Sendable {
    /// The user typed the escape.
    case left
    /// The VM ended.
    case closed
    /// The input ended, or nothing reads the output any more.
    case hungUp
}

/// What the user types at a console. A terminal is in raw mode for as long as this lives.
struct ConsoleKeyboard: ~Copyable {
    /// The most bytes read at a time.
    static let piece = 4096

    let descriptor: CInt
    let isTerminal: Bool
    private let escape: ConsoleEscape

    init(_ descriptor: CInt, _ escape: ConsoleEscape) {
        self.descriptor = descriptor
        self.escape = escape
        isTerminal = clinux_terminal_raw(descriptor) == 0
    }

    deinit { if isTerminal { clinux_terminal_restore() } }

    /// Reads what was typed, up to the escape; and why the session ends, if it does.
    func read() -> (typed: ArraySlice<UInt8>, end: ConsoleEnd?) {
        var chunk = [UInt8](repeating: 0, count: Self.piece)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return ([], nil) }
        guard count > 0 else { return ([], .hungUp) }
        let typed = chunk[..<count].prefix { $0 != escape.byte }
        return (typed, typed.count < count ? .left : nil)
    }
}
