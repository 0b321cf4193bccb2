import Glibc
import SystemPackage

/// O_TMPFILE of open(2), a macro that Swift can't read (asm-generic/fcntl.h).
let temporaryFile: CInt = 0o20_000_000 | O_DIRECTORY

/// A raw disk image that takes no space until the guest writes.
struct SparseDisk {
    var path: FilePath
    var size: ByteCount

    /// Makes the image: no block is allocated. Nothing is left behind on failure.
    ///
    /// - Throws: `.cannotCreate` if the path exists, the file system is full or can't hold a file of this size,
    ///   `.notFound` if the directory is missing, `.badData` if the size is not a positive multiple of 512.
    func create() throws(VMError) {
        guard size.bytes > 0, size.bytes % 512 == 0 else {
            throw VMError(.badData, path.string, "a disk's size is a positive multiple of 512 bytes, not \(size.bytes)")
        }
        // The file gets its name only once it is whole.
        let directory = path.removingLastComponent()
        do throws(Errno) {
            let file = try OwnedDescriptor.open(directory, .readWrite, flags: temporaryFile, permissions: 0o600)
            try resize(file)
            try link(file)
        } catch .notSupported, .isDirectory {
            try createInPlace()
        } catch .fileExists {
            throw alreadyThere
        } catch {
            throw failure(error, in: directory)
        }
    }

    /// Where the file system has no O_TMPFILE.
    private func createInPlace() throws(VMError) {
        do throws(Errno) {
            let file = try OwnedDescriptor.open(path, .writeOnly, flags: O_CREAT | O_EXCL, permissions: 0o600)
            do throws(Errno) { try resize(file) } catch {
                removeFile(path)
                throw error
            }
        } catch .fileExists {
            throw alreadyThere
        } catch {
            throw failure(error, in: path.removingLastComponent())
        }
    }

    private func resize(_ file: borrowing OwnedDescriptor) throws(Errno) {
        guard ftruncate(file.rawValue, off_t(size.bytes)) == 0 else { throw Errno(rawValue: errno) }
    }

    /// linkat(2) fails where the name exists: nothing is ever overwritten.
    private func link(_ file: borrowing OwnedDescriptor) throws(Errno) {
        let source = "/proc/self/fd/\(file.rawValue)"
        let result = path.withPlatformString { linkat(AT_FDCWD, source, AT_FDCWD, $0, AT_SYMLINK_FOLLOW) }
        guard result == 0 else { throw Errno(rawValue: errno) }
    }

    private var alreadyThere: VMError {
        VMError(
            .cannotCreate, path.string, "exists already",
            remedy: "it may hold a disk that is wanted: name another path, or remove it yourself")
    }

    private func failure(_ error: Errno, in directory: FilePath) -> VMError {
        switch error {
        case .noSuchFileOrDirectory:
            VMError(
                .notFound, path.string, "the directory \(directory) does not exist",
                remedy: "create it: `mkdir -p \(shellQuoted(directory.string))`")
        case .fileTooLarge, .invalidArgument:
            VMError(.cannotCreate, path.string, "the file system can't hold a file of \(size)", errno: .fileTooLarge)
        default: .system(error, path.string, "can't create the disk")
        }
    }
}
