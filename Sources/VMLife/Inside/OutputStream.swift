import Glibc
import SystemPackage
import VMHost

/// A stream of ours that a command's output is written to.
struct OutputStream {
    private let descriptor: CInt
    /// Whether a write can block for long: on a pipe, a terminal or a socket, whose reader takes its time.
    private let mayBlock: Bool
    /// Whether nothing reads it any more.
    private(set) var isClosed = false
    /// Why it can't be written.
    private(set) var failure: Errno?

    /// What a pipe that is ready takes as a whole (PIPE_BUF, pipe(7)).
    private static let piece = 4096

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        var status = stat()
        mayBlock = fstat(descriptor, &status) != 0 || ![S_IFREG, S_IFBLK].contains(status.st_mode & S_IFMT)
    }

    /// Writes bytes, all of them. What can't be written any more is dropped, and known from `isClosed` and `failure`.
    ///
    /// - Parameter wait: is called when the reader keeps the writer waiting.
    mutating func write(_ bytes: [UInt8], whenWaiting wait: () -> Void) {
        var rest = bytes[...]
        while !rest.isEmpty, !isClosed {
            if mayBlock, !isReady(in: .milliseconds(20)) {
                wait()
                guard isReady(in: nil) else { continue }
            }
            let piece = mayBlock ? rest.prefix(Self.piece) : rest
            let count = piece.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { rest.removeFirst(count) } else { note(Errno(rawValue: errno)) }
        }
    }

    private mutating func note(_ error: Errno) {
        guard error != .interrupted, error != .resourceTemporarilyUnavailable else { return }
        isClosed = true
        if error != .brokenPipe { failure = error }
    }

    /// Whether it can be written; nil: waits until that is so, or a signal comes.
    private func isReady(in limit: Duration?) -> Bool {
        var set = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
        return poll(&set, 1, limit.map { CInt(clamping: $0.wholeMilliseconds) } ?? -1) > 0
    }
}
