import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A SHA-256 sum, made by sha256sum(1) as the bytes come.
package final class Checksum {
    private let child: Child
    private var input: OwnedDescriptor?
    private let printed: OwnedDescriptor
    private static let tool = Tool(name: "sha256sum", package: "coreutils")

    /// Starts.
    package init() throws(VMError) {
        guard let path = Self.tool.path else { throw Self.tool.missing(for: "a copy") }
        do throws(Errno) {
            var ends: [CInt] = [-1, -1]
            guard pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
            // The child gets none but those that it is passed; another thread's might get the other end.
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let read = OwnedDescriptor(FileDescriptor(rawValue: ends[0]))
            input = OwnedDescriptor(FileDescriptor(rawValue: ends[1]))
            printed = try OwnedDescriptor(returned: clinux_memory_file("checksum"))
            var launch = Launch(path: path.string, arguments: [], credentials: ResolvedCredentials())
            launch.keepsPrivileges = true
            launch.pass(read.descriptor, as: STDIN_FILENO)
            launch.pass(printed.descriptor, as: STDOUT_FILENO)
            do throws(Launch.Failure) { child = try launch.spawn(by: Deadline(in: .seconds(20))) } catch {
                throw error.errno
            }
            extendLifetime(read)
        } catch { throw .system(error, path.string, "can't be run") }
    }

    deinit {
        if input != nil {
            child.kill()
            child.reap(by: Deadline(in: .seconds(5)))
        }
    }

    /// Adds bytes.
    package func add(_ bytes: some Sequence<UInt8>) throws(VMError) {
        guard let input = input?.descriptor else { return }
        do throws(Errno) { try writeAll(Array(bytes), to: input) } catch {
            throw .system(error, "sha256sum", "does not take what it is to sum")
        }
    }

    /// Adds a part of a file.
    package func add(_ file: CInt, from start: Int64, to end: Int64) throws(VMError) {
        var position = start
        while position < end {
            let piece: [UInt8]
            do throws(Errno) {
                piece = try readBytes(of: file, at: position, count: Int(min(1 << 20, end - position)))
            } catch { throw .system(error, "a copied file", "can't be read again") }
            guard !piece.isEmpty else { return }
            try add(piece)
            position += Int64(piece.count)
        }
    }

    /// The sum, in hexadecimal digits.
    package func finish() throws(VMError) -> String {
        input = nil
        guard child.reap(by: Deadline(in: .seconds(60))) == .exited(0) else {
            throw VMError(.unavailable, "sha256sum", "failed")
        }
        do throws(Errno) {
            let text = try readBytes(of: printed.rawValue, at: 0, count: 64)
            return String(decoding: text, as: UTF8.self)
        } catch { throw .system(error, "sha256sum", "its output can't be read") }
    }
}
