import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A file without a name that takes what a guest writes to a disk: it is gone with the last descriptor of it, whoever is killed.
enum ScratchFile {
    /// Where such files are: `TMPDIR`, else /var/tmp, which is on a disk where /tmp may be in memory (hier(7)).
    private static var directory: FilePath {
        let named = getenv("TMPDIR").map { FilePath(platformString: $0) }
        return named.flatMap { $0.isAbsolute ? $0 : nil } ?? "/var/tmp"
    }

    /// Makes one, which holds an empty qcow2 image of this size.
    static func make(_ size: ByteCount) throws(VMError) -> OwnedDescriptor {
        let directory = directory
        do throws(Errno) {
            let file = try unnamedFile(in: directory)
            try fill(file, size)
            return file
        } catch {
            throw .system(
                error, directory.string, "no file for what the guest writes can be made there",
                remedy: "set TMPDIR to a directory on a disk with space")
        }
    }

    /// Makes one that has a name, in a directory that only kvmctl changes.
    static func make(_ size: ByteCount, at path: FilePath) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            let file = try OwnedDescriptor.open(
                path, .readWrite, flags: O_CREAT | O_EXCL | O_NOFOLLOW, permissions: 0o600)
            try fill(file, size)
            return file
        } catch { throw .system(error, path.string, "can't be made") }
    }

    private static func fill(_ file: borrowing OwnedDescriptor, _ size: ByteCount) throws(Errno) {
        let layout = ScratchImage.layout(size: size)
        guard ftruncate(file.rawValue, off_t(layout.length)) == 0 else { throw Errno(rawValue: errno) }
        for piece in layout.pieces {
            lseek(file.rawValue, off_t(piece.offset), SEEK_SET)
            try writeAll(piece.bytes, to: file.descriptor)
        }
    }
}
