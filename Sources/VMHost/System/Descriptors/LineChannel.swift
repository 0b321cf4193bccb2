import BridgeKernel
import CLinux
import Glibc
import SystemPackage

/// Lines over a non-blocking stream socket, each wait bounded by a deadline.
package struct LineChannel: ~Copyable {
    /// Why a line did not arrive.
    package enum Failure: Error, Equatable {
        case timedOut
        case closed
        case system(Errno)
    }

    private let socket: OwnedDescriptor
    /// The process after whose end nothing more will arrive: a pidfd, or -1.
    private let peer: CInt
    private var received: [UInt8] = []
    private var scanned = 0

    /// - Parameter peer: a pidfd of the process at the other end, if its exit should be noticed even if somebody else
    ///   still holds that end of the connection.
    package init(_ socket: consuming OwnedDescriptor, peer: CInt = -1) {
        self.socket = socket
        self.peer = peer
    }

    package var descriptor: CInt { socket.rawValue }

    /// Sends a line; `text` is without its newline.
    ///
    /// - Parameter passed: a descriptor that is sent along (SCM_RIGHTS, unix(7)).
    package mutating func send(_ text: String, passing passed: CInt? = nil, by deadline: Deadline) throws(Failure) {
        try send(line: Array(text.utf8), passing: passed, by: deadline)
    }

    /// Sends a line of bytes, which need not be text.
    package mutating func send(line: [UInt8], passing passed: CInt? = nil, by deadline: Deadline) throws(Failure) {
        try send(line + [UInt8(ascii: "\n")], passing: passed, by: deadline)
    }

    /// Sends bytes as they are.
    package mutating func send(_ bytes: [UInt8], passing passed: CInt? = nil, by deadline: Deadline) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { rest in
                // A peer that is gone is an error to report, not a fatal signal.
                guard let passed, sent == 0 else {
                    return Glibc.send(socket.rawValue, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL))
                }
                let result = clinux_unix_send_descriptor(socket.rawValue, rest.baseAddress, rest.count, passed)
                if result < 0 { errno = CInt(-result) }
                return result < 0 ? -1 : result
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, by: deadline)
            } else if errno != EINTR {
                throw errno == EPIPE || errno == ECONNRESET ? .closed : .system(Errno(rawValue: errno))
            }
        }
    }

    /// The next line, without its line end.
    package mutating func line(by deadline: Deadline) throws(Failure) -> [UInt8] {
        while true {
            if let line = bufferedLine() { return line }
            try receive(by: deadline)
        }
    }

    /// A line that has already arrived, or nil.
    package mutating func bufferedLine() -> [UInt8]? {
        guard let end = received[scanned...].firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = received.count
            return nil
        }
        var line = Array(received[..<end])
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        received.removeSubrange(...end)
        scanned = 0
        return line
    }

    /// Waits until something arrives, and reads it.
    private mutating func receive(by deadline: Deadline) throws(Failure) {
        // The deadline counts even if there is always something to read: a peer that never stops sending has not
        // answered.
        try wait(for: POLLIN, by: deadline)
        try receive()
    }

    /// Reads a piece of what has arrived, which may be nothing.
    package mutating func receive() throws(Failure) {
        var chunk = [UInt8](repeating: 0, count: 16384)
        let count = recv(socket.rawValue, &chunk, chunk.count, 0)
        if count == 0 { throw .closed }
        if count < 0 {
            guard errno == EAGAIN || errno == EINTR else {
                throw errno == ECONNRESET ? .closed : .system(Errno(rawValue: errno))
            }
            return
        }
        guard received.count < Self.longestLine else { throw .system(.messageTooLong) }
        received += chunk[..<count]
    }

    /// The longest line that is accepted, in bytes: QEMU's longest answers have some hundred kilobytes.
    private static let longestLine = 4 << 20

    private func wait(for event: CInt, by deadline: Deadline) throws(Failure) {
        while true {
            if deadline.hasPassed { throw .timedOut }
            var set = [
                pollfd(fd: socket.rawValue, events: Int16(event), revents: 0),
                pollfd(fd: peer, events: Int16(POLLIN), revents: 0),
            ]
            let ready = Glibc.poll(&set, nfds_t(set.count), deadline.milliseconds)
            if set[0].revents != 0 { return }
            if ready > 0 { throw .closed }
            if ready == 0 { throw .timedOut }
            if errno != EINTR { throw .system(Errno(rawValue: errno)) }
        }
    }
}
