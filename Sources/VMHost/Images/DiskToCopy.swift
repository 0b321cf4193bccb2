import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A lock on a VM's disk that keeps everybody from writing to it, as long as this value lives: QEMU and qemu-img, who look for
/// it before they write, and so every start of the VM.
///
/// It is what a QEMU takes that reads an image and lets no other process write to it (block/file-posix.c).
package final class DiskLock: Sendable {
    private let file: OwnedDescriptor

    /// Takes it.
    ///
    /// - Returns: nil if somebody writes to the disk, or lets nobody read it.
    init?(_ file: consuming OwnedDescriptor) throws(Errno) {
        let taken = clinux_ofd_share(file.rawValue, ImageLock.refusesWriters.rawValue)
        // A file system without such locks: QEMU uses none there either.
        let isUnknown = [EINVAL, ENOTSUP, ENOSYS, ENOLCK].contains(-taken)
        guard taken == 0 || isUnknown || taken == -EAGAIN else { throw Errno(rawValue: -taken) }
        if taken == -EAGAIN { return nil }
        // Who writes has declared it first, and then looks for the lock just taken: one of the two sees the other.
        for lock in [ImageLock.writes, .refusesReaders] where !isUnknown {
            if clinux_ofd_is_held(file.rawValue, lock.rawValue) == 1 { return nil }
        }
        self.file = file
    }
}

/// What a write to a file changes: also the time of its inode, which no program can put back.
struct WriteStamp: Equatable, Sendable {
    private let size: Int64
    private let times: [Int64]

    init(_ status: stat) {
        size = Int64(status.st_size)
        let (modified, changed) = (status.st_mtim, status.st_ctim)
        times = [modified.tv_sec, modified.tv_nsec, changed.tv_sec, changed.tv_nsec].map { Int64($0) }
    }
}

extension ImageSource {
    /// Looks at a VM's disk, of which a copy is to be made as it is: its format is what the VM's file says, and no header.
    ///
    /// - Parameters:
    ///   - overlay: whether it stands on another image, by what the VM's file says.
    ///   - isHeld: whether nobody is to write to it as long as this value lives.
    /// - Throws: `.busy` if it is being written to; else as `init` of any file.
    package init(
        disk path: FilePath, _ format: DiskFormat, _ trust: FileTrust, overlay: Bool, isHeld: Bool
    ) throws(VMError) {
        let opened = try Self.open(path, trust)
        let (header, bytes): ([UInt8], Int64)
        do throws(Errno) {
            identity = FileIdentity(try opened.status())
            let status = try opened.status()
            written = WriteStamp(status)
            (bytes, allocated) = (Int64(status.st_size), min(Int64(status.st_size), Int64(status.st_blocks) * 512))
            header = try readBytes(of: opened.rawValue, at: 0, count: ImageContent.headerLength)
        } catch { throw .system(error, path.string, "can't be read") }
        (self.path, self.format, packing, isOverlay, isDisk) = (path, format, nil, overlay, true)
        if format == .raw {
            // QEMU rounds up.
            size = ByteCount(bytes: (bytes + 511) / 512 * 512)
        } else {
            let (found, virtual) = try Self.judge(header, path, bytes: bytes, overlay: overlay, isDisk: true)
            guard found == format else {
                throw VMError(.badData, path.string, "is no \(format.rawValue) image, which the VM's file says it is")
            }
            size = virtual
        }
        lock = isHeld ? try Self.held(opened, path) : nil
    }

    private static func held(_ file: consuming OwnedDescriptor, _ path: FilePath) throws(VMError) -> DiskLock {
        let lock: DiskLock?
        do throws(Errno) { lock = try DiskLock(file) } catch { throw .system(error, path.string, "can't be locked") }
        guard let lock else { throw .isUsed(path) }
        return lock
    }

    /// Copies it as it is into an empty file, with its holes. Where the file system can, the two share what they have.
    ///
    /// - Parameter target: what the copy will be called.
    func copyDisk(
        to copy: FileDescriptor, called target: FilePath, _ trust: FileTrust, by copying: DiskCopying
    ) throws(VMError) {
        let source = try opened(trust)
        let before = try stamp(source)
        if clinux_share_content(source.rawValue, copy.rawValue) == 0 {
            try copying.copied(allocated, of: path.string)
        } else {
            let extents: [Range<Int64>]
            do throws(Errno) { extents = try dataExtents(of: source.rawValue, size: before.size) } catch {
                throw .system(error, path.string, "can't be read")
            }
            for extent in extents { try copyExtent(extent, of: source, to: copy, called: target, by: copying) }
            guard ftruncate(copy.rawValue, off_t(format == .raw ? size?.bytes ?? before.size : before.size)) == 0 else {
                throw .system(Errno(rawValue: errno), target.string, "can't be written")
            }
        }
        try refuseWritten(source)
    }

    /// Refuses a disk that was written to since it was looked at: not every program heeds locks. To be asked once more when all
    /// disks of a VM are copied, since they are to be of one moment.
    package func refuseWritten(_ trust: FileTrust) throws(VMError) {
        if isDisk { try refuseWritten(try opened(trust)) }
    }

    private func refuseWritten(_ file: borrowing OwnedDescriptor) throws(VMError) {
        let now: WriteStamp
        do throws(Errno) { now = WriteStamp(try file.status()) } catch {
            throw .system(error, path.string, "can't be read")
        }
        guard now == written else {
            throw VMError(.busy, path.string, "was written to while it was copied", remedy: "try again")
        }
    }

    private func stamp(_ file: borrowing OwnedDescriptor) throws(VMError) -> MediumStamp {
        do throws(Errno) { return try MediumStamp(file) } catch { throw .system(error, path.string, "can't be read") }
    }

    private func copyExtent(
        _ extent: Range<Int64>, of source: borrowing OwnedDescriptor, to copy: FileDescriptor,
        called target: FilePath, by copying: DiskCopying
    ) throws(VMError) {
        var position = extent.lowerBound
        while position < extent.upperBound {
            let count = min(DiskCopying.piece, extent.upperBound - position)
            let copied: Int64
            do throws(Errno) {
                copied = try Self.copy(count, at: position, from: source.rawValue, to: copy.rawValue)
            } catch {
                // Where there is no room, it is the copy's.
                let isTargets = [.noSpace, .diskQuotaExceeded, .fileTooLarge].contains(error)
                throw .system(
                    error, (isTargets ? target : path).string, isTargets ? "can't be written" : "can't be copied")
            }
            guard copied > 0 else {
                throw VMError(.busy, path.string, "became shorter while it was copied", remedy: "try again")
            }
            position += copied
            try copying.copied(copied, of: path.string)
        }
    }

    /// Copies bytes to the same place of another file, within the kernel where that can.
    private static func copy(_ count: Int64, at position: Int64, from source: CInt, to copy: CInt) throws(Errno)
        -> Int64
    {
        var copied: Int64
        repeat {
            copied = clinux_copy_range(source, position, copy, position, Int(count))
        } while copied == -Int64(EINTR)
        if copied >= 0 { return copied }
        let failure = Errno(rawValue: CInt(-copied))
        // Two kinds of file systems, or one that can't (copy_file_range(2)).
        guard [.improperLink, .notSupported, .invalidArgument, .noFunction, .notPermitted].contains(failure) else {
            throw failure
        }
        let bytes = try readBytes(of: source, at: position, count: Int(min(count, 1 << 20)))
        try writeAll(bytes[...], at: position, to: copy)
        return Int64(bytes.count)
    }
}

extension VMError {
    /// The refusal of a disk that another process has open.
    package static func isUsed(_ path: FilePath) -> VMError {
        VMError(
            .busy, path.string, "is in use by another process", remedy: "\(command: "lslocks") names the process")
    }
}
