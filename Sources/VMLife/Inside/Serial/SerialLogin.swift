import Glibc
import SystemPackage
import VMCore
import VMHost

/// Who logs in on a guest's console, and the password for that.
package struct SerialLogin: Sendable {
    let user: String
    /// Nil: no file was named, for a user without a password.
    let password: String?

    /// How long whoever writes to a pipe may take.
    private static let patience = Duration.seconds(30)
    /// The longest password that is taken.
    private static let longest = 512
    /// How much is read for it.
    private static let most = 4096

    /// - Parameters:
    ///   - file: holds the password in its first line; a pipe will do.
    /// - Throws: why it can't be read, or that others can read it too.
    package init(user: String, file: String?) throws(VMError) {
        self.user = user
        password = try file.map { path throws(VMError) in try Self.read(path) }
    }

    private static func read(_ path: String) throws(VMError) -> String {
        let bytes = try content(path)
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard !line.isEmpty, line.count <= longest, line.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw VMError(
                .badData, path, "its first line is not a password that can be typed",
                remedy: "it has to be 1 to \(longest) bytes, without control characters")
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// Opened once: what is judged is what is read.
    private static func content(_ path: String) throws(VMError) -> [UInt8] {
        // A FIFO that nobody has opened yet must not keep the reader waiting for ever.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard file >= 0 else { throw .system(Errno(rawValue: errno), path, "can't be read") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, [S_IFREG, S_IFIFO].contains(status.kind) else {
            throw VMError(.badData, path, "it is not a file with a password")
        }
        guard status.kind == S_IFIFO || status.st_mode & S_IROTH == 0 else {
            throw VMError(
                .denied, path, "everyone on this host can read it, and it holds a password",
                remedy: .run("let only its owner read it", "chmod 600 \(path)"))
        }
        if status.kind == S_IFIFO { return try contentOfPipe(file, path) }
        do throws(Errno) { return try readAll(FileDescriptor(rawValue: file), limit: most) } catch {
            throw .system(error, path, "can't be read")
        }
    }

    /// The first line of what comes through a pipe.
    private static func contentOfPipe(_ pipe: CInt, _ path: String) throws(VMError) -> [UInt8] {
        let deadline = Deadline(in: patience)
        var bytes: [UInt8] = []
        while bytes.count < most, !bytes.contains(UInt8(ascii: "\n")) {
            var set = [pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)]
            guard poll(&set, 1, deadline.milliseconds) != 0 else {
                throw VMError(
                    .timedOut, path, "nobody has written a password to it in \(patience.components.seconds) s")
            }
            var piece = [UInt8](repeating: 0, count: longest)
            let count = Glibc.read(pipe, &piece, piece.count)
            if count == 0 { break }
            if count > 0 { bytes += piece[..<count] }
            if count < 0, errno != EAGAIN, errno != EINTR {
                throw .system(Errno(rawValue: errno), path, "can't be read")
            }
        }
        return bytes
    }
}
