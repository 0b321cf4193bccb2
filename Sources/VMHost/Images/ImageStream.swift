import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// The bytes of an image, in order: those of a file, or those that a program of the system unpacks from it.
package final class ImageStream {
    private let path: FilePath
    private let file: OwnedDescriptor
    /// nil: the file is not packed.
    private let unpacking: Unpacking?
    private var isAtEnd = false

    /// How long a program may print nothing, in milliseconds.
    private static let patience: CInt = 60_000
    private static let piece = 1 << 20

    /// Begins at the file's first byte.
    ///
    /// - Throws: `.unavailable` if the host lacks the program.
    package init(_ file: consuming OwnedDescriptor, _ packing: Packing?, path: FilePath) throws(VMError) {
        self.path = path
        lseek(file.rawValue, 0, SEEK_SET)
        if let packing {
            let tool = Tool(packing)
            guard let program = tool.path else { throw tool.missing(for: path.string) }
            do throws(Errno) { unpacking = try Unpacking(program, of: file.descriptor) } catch {
                throw .system(error, program.string, "can't be run")
            }
        } else {
            unpacking = nil
        }
        self.file = file
    }

    /// The next bytes, up to a mebibyte; none at the end.
    ///
    /// - Throws: why they can't be read; `.badData` if what is packed is damaged.
    package func next() throws(VMError) -> [UInt8] {
        var bytes: [UInt8] = []
        while !isAtEnd, bytes.count < Self.piece {
            let more = try read(Self.piece - bytes.count)
            if more.isEmpty { try end() }
            bytes += more
        }
        return bytes
    }

    private func read(_ count: Int) throws(VMError) -> [UInt8] {
        if let unpacking, !unpacking.waits(Self.patience) {
            throw VMError(.timedOut, path.string, "was not unpacked any further for a minute")
        }
        let descriptor = unpacking?.output.rawValue ?? file.rawValue
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var got = Glibc.read(descriptor, buffer.baseAddress, count)
            while got < 0, errno == EINTR { got = Glibc.read(descriptor, buffer.baseAddress, count) }
            if got < 0 { failure = Errno(rawValue: errno) }
            filled = max(0, got)
        }
        if let failure { throw .system(failure, path.string, "can't be read") }
        return bytes
    }

    /// A program that fails may have printed a part before.
    private func end() throws(VMError) {
        isAtEnd = true
        guard let complaints = unpacking?.complaints else { return }
        throw VMError(
            .badData, path.string, "can't be unpacked", remedy: "download it again, and compare its checksum",
            details: complaints)
    }
}

/// A program that unpacks a file, and is ended with this value.
private final class Unpacking {
    /// What it prints.
    let output: OwnedDescriptor
    private let messages: OwnedDescriptor
    private let child: Child
    private var hasEnded = false

    init(_ program: FilePath, of file: FileDescriptor) throws(Errno) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
        // The child gets none but those that it is passed.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        output = OwnedDescriptor(FileDescriptor(rawValue: ends[0]))
        let input = OwnedDescriptor(FileDescriptor(rawValue: ends[1]))
        messages = try OwnedDescriptor(returned: clinux_memory_file("messages"))
        var launch = Launch(path: program.string, arguments: ["-dc"], credentials: ResolvedCredentials())
        launch.keepsPrivileges = true
        launch.pass(file, as: STDIN_FILENO)
        launch.pass(input.descriptor, as: STDOUT_FILENO)
        launch.pass(messages.descriptor, as: STDERR_FILENO)
        do throws(Launch.Failure) { child = try launch.spawn(by: Deadline(in: .seconds(20))) } catch {
            throw error.errno
        }
        extendLifetime(input)
    }

    deinit {
        guard !hasEnded else { return }
        child.kill()
        child.reap(by: Deadline(in: .seconds(5)))
    }

    /// Whether it prints something, or ends, within so many milliseconds.
    func waits(_ milliseconds: CInt) -> Bool {
        var set = pollfd(fd: output.rawValue, events: Int16(POLLIN), revents: 0)
        var ready = poll(&set, 1, milliseconds)
        while ready < 0, errno == EINTR { ready = poll(&set, 1, milliseconds) }
        return ready != 0
    }

    /// Waits for its end. What it complained of; nil: it succeeded.
    var complaints: [String]? {
        let end = child.reap(by: Deadline(in: .seconds(20)))
        hasEnded = end != nil
        guard end != .exited(0) else { return nil }
        let printed = (try? readBytes(of: messages.rawValue, at: 0, count: 1024)) ?? []
        return String(decoding: printed, as: UTF8.self).split(separator: "\n").prefix(4).map {
            Printable.foreign(String($0))
        }
    }
}

extension Tool {
    fileprivate init(_ packing: Packing) {
        switch packing {
        case .gzip: self.init(name: "gzip", package: "gzip")
        case .xz: self.init(name: "xz", package: "xz-utils")
        case .zstd: self.init(name: "zstd", package: "zstd")
        }
    }
}
