import Glibc
import SystemPackage

/// O_TMPFILE of open(2), a macro that Swift can't read (asm-generic/fcntl.h).
let temporaryFile: CInt = 0o20_000_000 | O_DIRECTORY

/// A file that gets its name only when it is whole. Until then the kernel removes it with this process, or at a power cut.
final class NewFile {
    let path: FilePath
    private let file: OwnedDescriptor
    private var hasName: Bool

    /// Makes it without a name; with its name where the file system knows no other way (no O_TMPFILE).
    ///
    /// - Parameter fill: writes what is in it. If that fails, nothing is left behind.
    init(
        _ path: FilePath, permissions: mode_t, fill: (borrowing OwnedDescriptor) throws(Errno) -> Void
    ) throws(Errno) {
        self.path = path
        if let unnamed = try Self.openUnnamed(in: path.removingLastComponent(), permissions) {
            file = unnamed
            hasName = false
        } else {
            file = try OwnedDescriptor.open(path, .writeOnly, flags: O_CREAT | O_EXCL, permissions: permissions)
            hasName = true
        }
        do throws(Errno) { try fill(file) } catch {
            remove()
            throw error
        }
    }

    private static func openUnnamed(in directory: FilePath, _ permissions: mode_t) throws(Errno) -> OwnedDescriptor? {
        do throws(Errno) {
            return try OwnedDescriptor.open(directory, .readWrite, flags: temporaryFile, permissions: permissions)
        } catch .notSupported, .isDirectory {
            return nil
        }
    }

    /// Waits until what is in it survives a power cut.
    func sync() throws(Errno) { try syncToDisk(file) }

    /// Gives it its name. linkat(2) fails where the name exists: nothing is ever overwritten.
    func putInPlace() throws(Errno) {
        guard !hasName else { return }
        let source = "/proc/self/fd/\(file.rawValue)"
        let result = path.withPlatformString { linkat(AT_FDCWD, source, AT_FDCWD, $0, AT_SYMLINK_FOLLOW) }
        guard result == 0 else { throw Errno(rawValue: errno) }
        hasName = true
    }

    /// Takes it back.
    func remove() {
        if hasName { removeFile(path) }
        hasName = false
    }
}

/// Waits until the names in a directory are those that a power cut leaves.
func syncDirectory(_ path: FilePath) throws(Errno) {
    let directory = try OwnedDescriptor.directory(path)
    try syncToDisk(directory)
}

/// fsync(2), where the file system has it for such a file.
func syncToDisk(_ file: borrowing OwnedDescriptor) throws(Errno) {
    guard fsync(file.rawValue) != 0, errno != EINVAL else { return }
    throw Errno(rawValue: errno)
}
