import BridgeKernel
import CLinux
import Glibc
import Synchronization
import SystemPackage

/// Reads files through another process, which is abandoned if it does not return (CLinux, remote_reader.h).
package final class RemoteReader: Sendable {
    package init() {}
    /// A file's status and content.
    package struct Seen: Sendable {
        package var status: stat
        /// The content of a regular file; the names in a directory, each with a NUL.
        package var bytes: [UInt8] = []
    }

    /// How long one question may take.
    static let patience = Duration.seconds(2)

    private let state = Mutex(State())

    /// Whether it was asked and did not answer.
    var isSilent: Bool { state.withLock { $0.isSilent } }

    private struct State: ~Copyable {
        /// The socket to the process, while there is one.
        var socket: OwnedDescriptor?
        var pid: Int32 = 0
        /// It did not answer, and is not asked again.
        var isSilent = false
    }

    /// The result of stat(2); nil if nothing is there.
    package func status(of path: FilePath) throws(Errno) -> stat? {
        do throws(Errno) { return try ask(CLINUX_REMOTE_STATUS, path).status } catch {
            if error == .noSuchFileOrDirectory || error == .notDirectory { return nil }
            throw error
        }
    }

    /// Whether it is a symbolic link, which O_NOFOLLOW refuses to open (open(2)).
    func isLink(_ path: FilePath) throws(Errno) -> Bool {
        let answer = try answer(to: CLINUX_REMOTE_READ, path, limit: 0, followsLinks: false)
        return answer.error == ELOOP
    }

    /// The names in a directory, in no order, with `.` and `..`.
    func names(in path: FilePath) throws(Errno) -> [String] {
        try ask(CLINUX_REMOTE_NAMES, path, limit: 64 << 20).bytes.split(separator: 0).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// The status of the opened file, and up to `limit` bytes if it is a regular one.
    package func read(_ path: FilePath, limit: Int, followsLinks: Bool = true) throws(Errno) -> Seen {
        try ask(CLINUX_REMOTE_READ, path, limit: limit, followsLinks: followsLinks)
    }

    /// Reads one byte at a path, only to see whether its file system answers.
    ///
    /// - Throws: `.timedOut` if it does not; why it could not be asked.
    func touch(_ path: FilePath) throws(Errno) { _ = try answer(to: CLINUX_REMOTE_READ, path, limit: 1) }

    /// - Throws: `.timedOut` if the file system does not answer; why it could not be asked; the error for the file
    ///   itself.
    private func ask(
        _ question: clinux_remote_question, _ path: FilePath, limit: Int = 0, followsLinks: Bool = true
    ) throws(Errno) -> Seen {
        let answer = try answer(to: question, path, limit: limit, followsLinks: followsLinks)
        guard answer.error == 0 else { throw Errno(rawValue: answer.error) }
        return answer.seen
    }

    private func answer(
        to question: clinux_remote_question, _ path: FilePath, limit: Int, followsLinks: Bool = true
    ) throws(Errno) -> Answer {
        let name = Array(path.string.utf8)
        let request = clinux_remote_request(
            question: question.rawValue, length: UInt32(name.count), limit: UInt64(limit),
            no_follow: followsLinks ? 0 : 1)
        return try state.withLock { state throws(Errno) in
            try Self.converse(&state, withUnsafeBytes(of: request) { Array($0) } + name)
        }
    }

    private struct Answer: Sendable {
        /// Why the file could not be read; 0 on success.
        var error: CInt
        var seen: Seen
    }

    private static func converse(_ state: inout State, _ question: [UInt8]) throws(Errno) -> Answer {
        guard !state.isSilent else { throw .timedOut }
        do throws(Errno) {
            if state.socket == nil { state.socket = try OwnedDescriptor(returned: clinux_remote_reader(&state.pid)) }
            guard let socket = state.socket?.rawValue else { throw .badFileDescriptor }
            let line = Line(socket: socket, deadline: Deadline(in: patience))
            try line.send(question)
            return try line.answer()
        } catch {
            // It has not closed the socket, so it is still there and its pid has not been reused.
            if error == .timedOut {
                kill(state.pid, SIGKILL)
                state.isSilent = true
            }
            state.socket = nil
            throw error
        }
    }

    /// One question and its answer.
    private struct Line {
        let socket: CInt
        let deadline: Deadline

        func send(_ bytes: [UInt8]) throws(Errno) {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                if count >= 0 { sent += count } else { try wait(for: POLLOUT) }
            }
        }

        func answer() throws(Errno) -> Answer {
            var head = clinux_remote_answer()
            try withUnsafeMutableBytes(of: &head) { buffer throws(Errno) in try receive(into: buffer) }
            var answer = Answer(error: head.error, seen: Seen(status: stat()))
            guard head.error == 0 else { return answer }
            guard let length = try pieceLength(&answer), length == MemoryLayout<stat>.size else { throw .ioError }
            try withUnsafeMutableBytes(of: &answer.seen.status) { buffer throws(Errno) in try receive(into: buffer) }
            while let length = try pieceLength(&answer) {
                var piece = [UInt8](repeating: 0, count: length)
                try receive(into: &piece)
                answer.seen.bytes += piece
            }
            return answer
        }

        /// The length of the next piece; nil at the end, with or without an error.
        private func pieceLength(_ answer: inout Answer) throws(Errno) -> Int? {
            var length: Int32 = 0
            try withUnsafeMutableBytes(of: &length) { buffer throws(Errno) in try receive(into: buffer) }
            if length < 0 { answer.error = -length }
            return length > 0 ? Int(length) : nil
        }

        private func receive(into piece: inout [UInt8]) throws(Errno) {
            let result = piece.withUnsafeMutableBytes { buffer in
                Result { () throws(Errno) in try receive(into: buffer) }
            }
            try result.get()
        }

        private func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) {
            var received = 0
            while received < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[received...])
                let count = recv(socket, rest.baseAddress, rest.count, 0)
                // The other process ended without an answer.
                if count == 0 { throw .ioError }
                if count > 0 { received += count } else { try wait(for: POLLIN) }
            }
        }

        private func wait(for event: CInt) throws(Errno) {
            guard errno == EAGAIN || errno == EINTR else { throw Errno(rawValue: errno) }
            var set = pollfd(fd: socket, events: Int16(event), revents: 0)
            if poll(&set, 1, deadline.milliseconds) == 0 || deadline.hasPassed { throw .timedOut }
        }
    }
}
