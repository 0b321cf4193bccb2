import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

extension SparseDisk {
    /// Makes a file an empty qcow2 image.
    ///
    /// qemu-img opens its own standard input by name, so it needs no name of the file's.
    func writeQCOW2(to file: FileDescriptor) throws(VMError) {
        do throws(VMError) {
            try Tool.qemuImg.run(
                ["create", "-q", "-f", "qcow2", "/proc/self/fd/0", String(size.bytes)], on: file, for: path.string)
        } catch {
            // Its own words are about the file that it could not remove.
            let space = FileSystemSpace(at: FileSystemSpace.existing(path.removingLastComponent()))
            guard let space, space.free < Self.spaceOfNewImage else { throw error }
            throw VMError(failed: .noSpace, path.string, "can't be created")
        }
    }

    /// A little more than the header and the tables of an empty qcow2 image take.
    private static let spaceOfNewImage = ByteCount(bytes: 1 << 20)

    /// Whether a file is such an image, and nothing was ever written to it.
    ///
    /// - Throws: why that can't be told.
    package func isUntouched(_ found: borrowing FoundFile) throws(VMError) -> Bool {
        switch content {
        case .copy, .overlay(_, _, copying: .some): return false
        case .empty, .overlay: break
        }
        guard let status = found.status, status.kind == S_IFREG else { return false }
        guard format == .qcow2 else { return status.st_blocks == 0 && Int64(status.st_size) == size.bytes }
        // Two empty images of one size are the same, byte for byte.
        do throws(Errno) {
            let new = try OwnedDescriptor(returned: clinux_memory_file("image"))
            if case .overlay(let base, let format, _) = content {
                try? writeOverlay(to: new.descriptor, of: base, format)
            } else {
                try? writeQCOW2(to: new.descriptor)
            }
            let bytes = Int(try new.status().st_size)
            guard bytes > 0, bytes == status.st_size else { return false }
            let file = try found.openRegular()
            return try readBytes(of: file.rawValue, at: 0, count: bytes)
                == readBytes(of: new.rawValue, at: 0, count: bytes)
        } catch { throw .system(error, path.string, "can't be read") }
    }
}
