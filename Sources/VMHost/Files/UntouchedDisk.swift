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
            let allocation = isPreallocated ? ["-o", "preallocation=falloc"] : []
            try Tool.qemuImg.run(
                ["create", "-q", "-f", "qcow2"] + allocation + ["/proc/self/fd/0", String(size.bytes)], on: file,
                for: path.string)
        } catch {
            // Its own words are about the file that it could not remove.
            let space = FileSystemSpace(at: FileSystemSpace.existing(path.removingLastComponent()))
            guard let space, space.free < Self.spaceOfNewImage else { throw error }
            throw VMError(failed: .noSpace, path.string, "can't be created")
        }
    }

    /// A little more than the header and the tables of an empty qcow2 image take.
    private static let spaceOfNewImage = ByteCount(bytes: 1 << 20)

    /// Whether a file is such an image, and nothing was ever written to it: then nothing is lost with it.
    ///
    /// - Parameter trust: whose files an image may be, of which it is a copy.
    /// - Throws: why that can't be told.
    package func isUntouched(_ found: borrowing FoundFile, _ trust: FileTrust) throws(VMError) -> Bool {
        switch content {
        case .copy(let source): return try isCopy(of: source, found, trust)
        case .overlay(let base, let format, let overlay?): return try isCopy(of: overlay, over: base, format, found)
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

    /// Whether a file is what a copy of an image is, byte for byte.
    private func isCopy(
        of source: ImageSource, _ found: borrowing FoundFile, _ trust: FileTrust
    ) throws(VMError) -> Bool {
        guard let status = found.status, status.kind == S_IFREG else { return false }
        guard format == .qcow2 || Int64(status.st_size) == size.bytes else { return false }
        let file = try opened(found)
        if source.size == size { return try source.isSame(as: file, trust) }
        if format == .qcow2, try !isOfSize(file) { return false }
        // Made larger, it is told by one that is made like it, without a name.
        let new = try unnamed()
        try fill(new.descriptor, from: source, trust)
        do throws(Errno) {
            return try Self.areSame(file, new)
        } catch { throw .system(error, path.string, "can't be read") }
    }

    /// The same for a copy of an overlay.
    private func isCopy(
        of overlay: FilePath, over base: FilePath, _ format: DiskFormat, _ found: borrowing FoundFile
    ) throws(VMError) -> Bool {
        guard found.status?.kind == S_IFREG else { return false }
        let file = try opened(found)
        let new = try unnamed()
        try copyOverlay(overlay, to: new.descriptor, of: base, format)
        do throws(Errno) { return try Self.areSame(file, new) } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// Whether the header says that size, before anything is copied.
    private func isOfSize(_ file: borrowing OwnedDescriptor) throws(VMError) -> Bool {
        do throws(Errno) {
            let header = try readBytes(of: file.rawValue, at: 0, count: ImageContent.headerLength)
            return QCOW2Header.virtualSize(in: header) == size
        } catch { throw .system(error, path.string, "can't be read") }
    }

    private func opened(_ found: borrowing FoundFile) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) { return try found.openRegular() } catch { throw .system(error, path.string, "can't be read") }
    }

    private func unnamed() throws(VMError) -> OwnedDescriptor {
        do throws(Errno) { return try unnamedFile(in: path.removingLastComponent()) } catch {
            throw .system(error, path.string, "can't be compared with what would be made")
        }
    }

    private static func areSame(
        _ one: borrowing OwnedDescriptor, _ other: borrowing OwnedDescriptor
    ) throws(Errno) -> Bool {
        let size = Int64(try one.status().st_size)
        guard try other.status().st_size == size else { return false }
        for offset in stride(from: 0, to: size, by: 1 << 20) {
            let bytes = try readBytes(of: one.rawValue, at: offset, count: 1 << 20)
            guard try bytes == readBytes(of: other.rawValue, at: offset, count: 1 << 20) else { return false }
        }
        return true
    }
}
