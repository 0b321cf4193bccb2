import Glibc
import SystemPackage
import VMCore
import VMHost

/// Where a command's output goes: a stream of ours, or a consumer.
package struct OutputStream {
    private enum Target {
        /// - mayBlock: whether a write can block for long: on a pipe, a terminal or a socket, whose reader takes its time.
        case descriptor(CInt, name: String, mayBlock: Bool)
        case consumer(([UInt8]) throws(VMError) -> Void)
    }

    private let target: Target
    /// Whether nothing reads it any more.
    private(set) var isClosed = false
    /// Why it can't be written.
    private(set) var failure: VMError?
    /// When what comes is dropped; nil: never.
    var limit: Deadline?
    /// Whether something was.
    private(set) var isCut = false
    /// Where a copy of what comes goes.
    package var copy: OutputCopy?

    /// What a pipe that is ready takes as a whole (PIPE_BUF, pipe(7)).
    private static let piece = 4096

    /// - Parameter name: of the stream, for errors.
    package init(_ descriptor: CInt, name: String) {
        var status = stat()
        let mayBlock = fstat(descriptor, &status) != 0 || ![S_IFREG, S_IFBLK].contains(status.st_mode & S_IFMT)
        target = .descriptor(descriptor, name: name, mayBlock: mayBlock)
    }

    /// What throws gets nothing any more, and the command is ended.
    init(_ consume: @escaping ([UInt8]) throws(VMError) -> Void) { target = .consumer(consume) }

    /// Writes bytes, all of them. What can't be written any more is dropped, and known from `isClosed` and `failure`.
    ///
    /// - Parameter wait: is called when the reader keeps the writer waiting.
    mutating func write(_ bytes: [UInt8], whenWaiting wait: () -> Void) {
        guard !isClosed, !bytes.isEmpty, !drops() else { return }
        copy?.add(bytes)
        switch target {
        case .consumer(let consume):
            do throws(VMError) { try consume(bytes) } catch { (isClosed, failure) = (true, error) }
        case .descriptor(let descriptor, let name, let mayBlock):
            var rest = bytes[...]
            while !rest.isEmpty, !isClosed {
                if mayBlock, !Self.isReady(descriptor, in: .milliseconds(20)) {
                    wait()
                    guard Self.isReady(descriptor, in: limit?.remaining) else {
                        if drops() { return }
                        continue
                    }
                }
                let piece = mayBlock ? rest.prefix(Self.piece) : rest
                let count = piece.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count >= 0 { rest.removeFirst(count) } else { note(Errno(rawValue: errno), name) }
            }
        }
    }

    private mutating func drops() -> Bool {
        guard limit?.hasPassed == true else { return false }
        isCut = true
        return true
    }

    private mutating func note(_ error: Errno, _ name: String) {
        guard error != .interrupted, error != .resourceTemporarilyUnavailable else { return }
        isClosed = true
        if error != .brokenPipe { failure = .system(error, name, "can't be written") }
    }

    /// Whether it can be written; nil: waits until that is so, or a signal comes.
    private static func isReady(_ descriptor: CInt, in limit: Duration?) -> Bool {
        var set = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
        return poll(&set, 1, limit.map { CInt(clamping: $0.wholeMilliseconds) } ?? -1) > 0
    }
}
