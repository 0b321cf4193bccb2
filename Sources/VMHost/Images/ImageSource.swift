import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// A file that an image is taken from: opened once, so that what was looked at is what is copied.
package struct ImageSource: Equatable, Sendable {
    /// Its path.
    package let path: FilePath
    /// Which file it is.
    package let identity: FileIdentity
    /// How it is packed; nil: it is not.
    package let packing: Packing?
    /// The image's format.
    package let format: DiskFormat
    /// What the guest sees of it; nil: that shows only once it is unpacked.
    package let size: ByteCount?
    /// Whether it stands on another image, of which the copy is an overlay as well.
    let isOverlay: Bool
    /// Whether it is a VM's disk, which is copied as it is.
    let isDisk: Bool
    /// How much of it is no hole, in bytes.
    package let allocated: Int64
    /// What keeps others from writing to it; nil: nothing does.
    let lock: DiskLock?
    /// What shows that a VM's disk was written to since; nil: it is none.
    let written: WriteStamp?

    package static func == (one: ImageSource, other: ImageSource) -> Bool {
        (one.path, one.identity, one.format, one.size) == (other.path, other.identity, other.format, other.size)
            && (one.packing, one.isOverlay, one.isDisk) == (other.packing, other.isOverlay, other.isDisk)
    }

    /// Looks at a file.
    ///
    /// - Parameter overlay: whether it stands on another image, by what its VM's file says.
    /// - Throws: why it can't be used: `.notFound`; `.badData` if it is no whole image; `.unavailable` for a format that
    ///   kvmctl does not open, or an image that is partly in other files.
    package init(_ path: FilePath, _ trust: FileTrust, overlay: Bool = false) throws(VMError) {
        let opened = try Self.open(path, trust)
        let packing: Packing?
        let bytes: Int64
        do throws(Errno) {
            identity = FileIdentity(try opened.status())
            packing = Packing(header: try readBytes(of: opened.rawValue, at: 0, count: 16))
            bytes = Int64(try opened.status().st_size)
        } catch { throw .system(error, path.string, "can't be read") }
        let header = Array(try ImageStream(opened, packing, path: path).next().prefix(ImageContent.headerLength))
        (self.path, self.packing, isOverlay, isDisk) = (path, packing, overlay, false)
        (allocated, lock, written) = (0, nil, nil)
        (format, size) = try Self.judge(header, path, bytes: packing == nil ? bytes : nil, overlay: overlay)
    }

    /// What an image is.
    ///
    /// - Parameters:
    ///   - bytes: how long it is; nil: not known.
    ///   - overlay: whether it may stand on another image.
    ///   - isDisk: whether it is a VM's disk, which nobody can download again.
    static func judge(
        _ header: [UInt8], _ path: FilePath, bytes: Int64?, overlay: Bool = false, isDisk: Bool = false
    ) throws(VMError) -> (DiskFormat, ByteCount?) {
        guard !header.isEmpty else {
            throw VMError(.badData, path.string, "is empty", remedy: "download it again")
        }
        switch ImageContent(header: header) {
        case .raw:
            if let foreign = ForeignContent(header: header) {
                throw VMError(
                    .badData, path.string, "is \(foreign.rawValue), and no disk image", remedy: .advice(foreign.advice))
            }
            if let bytes, bytes % 512 != 0 {
                throw VMError(
                    .badData, path.string, "is \(bytes) bytes, but a disk's size is a multiple of 512",
                    remedy: "it is not a disk image, or cut short: download it again, and compare its checksum")
            }
            return (.raw, bytes.map { ByteCount(bytes: $0) })
        case .qcow2(let outside?) where !overlay || QCOW2Condition(header)?.hasDataFile != false:
            throw VMError(
                .unavailable, path.string, "is partly stored in another file, \(outside)",
                remedy: "if both are yours, make one image of them: qemu-img convert -O qcow2 FILE NEW.qcow2")
        case .qcow2:
            guard let condition = QCOW2Condition(header) else { throw VMError(.badData, path.string, "has no header") }
            let look: Remedy = "\(command: "kvmctl disk check \(path)") says what is wrong with it"
            if let fault = condition.fault {
                throw VMError(.badData, path.string, "\(fault)", remedy: isDisk ? look : nil)
            }
            if condition.isCorrupt {
                throw VMError(.badData, path.string, "is marked as corrupt", remedy: isDisk ? look : nil)
            }
            let size = Int64(clamping: condition.diskBytes)
            guard 1...largest ~= size, size % 512 == 0 else {
                throw VMError(
                    .badData, path.string, "is damaged: its disk can't have \(condition.diskBytes) bytes",
                    remedy: isDisk ? look : nil)
            }
            if let bytes, QCOW2Condition.leastLength(header) > UInt64(bytes) {
                throw VMError(
                    .badData, path.string, "is damaged: its tables lie beyond its end",
                    remedy: isDisk ? look : "download it again, and compare its checksum")
            }
            return (.qcow2, ByteCount(bytes: size))
        case .other(let name):
            throw VMError(
                .unavailable, path.string, "looks like a \(name) image, which kvmctl does not open",
                remedy: "if it is yours, convert it first: qemu-img convert -O qcow2 FILE NEW.qcow2")
        }
    }

    /// More than any file system holds.
    private static let largest: Int64 = 1 << 60

    static func open(_ path: FilePath, _ trust: FileTrust) throws(VMError) -> OwnedDescriptor {
        do throws(PathWalk.Failure) {
            let found = try trust.find(path)
            do throws(Errno) {
                guard found.status != nil else { throw .noSuchFileOrDirectory }
                return try found.openRegular()
            } catch { throw .system(error, path) }
        } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, _), .system(.notDirectory, _):
                throw VMError(.notFound, path.string, "does not exist")
            case .system(.notSupported, _): throw VMError(.badData, path.string, "is not a regular file")
            case .system(let errno, _): throw .system(errno, path.string, "can't be read")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: path.string)
            }
        }
    }

    /// The same file, opened again.
    func opened(_ trust: FileTrust) throws(VMError) -> OwnedDescriptor {
        let again = try Self.open(path, trust)
        guard (try? again.status()).map({ FileIdentity($0) }) == identity else {
            throw VMError(.busy, path.string, "was replaced by another file meanwhile", remedy: "try again")
        }
        return again
    }
}

extension ImageSource {
    /// The SHA-256 sum of the file, packed as it is.
    package func sum(_ trust: FileTrust) throws(VMError) -> String {
        let stream = try ImageStream(try opened(trust), nil, path: path)
        let checksum = try Checksum()
        while true {
            let piece = try stream.next()
            guard !piece.isEmpty else { return try checksum.finish() }
            try checksum.add(piece)
        }
    }

    /// Whether a file has the same bytes as the image, unpacked.
    func isSame(as file: borrowing OwnedDescriptor, _ trust: FileTrust) throws(VMError) -> Bool {
        let stream = try ImageStream(try opened(trust), packing, path: path)
        var position: Int64 = 0
        while true {
            let piece = try stream.next()
            do throws(Errno) {
                guard !piece.isEmpty else { return try file.status().st_size == position }
                guard try readBytes(of: file.rawValue, at: position, count: piece.count) == piece else { return false }
            } catch { throw .system(error, path.string, "can't be compared with a copy of it") }
            position += Int64(piece.count)
        }
    }

    /// Copies the image; where it has only zeros, the copy has a hole.
    ///
    /// - Parameters:
    ///   - copy: an empty file.
    ///   - target: what it will be called; nil: it is only compared.
    ///   - sum: takes the bytes of the copy.
    /// - Throws: as `init`, of the whole image.
    package func copy(
        to copy: FileDescriptor, called target: FilePath? = nil, _ trust: FileTrust, summing sum: Checksum? = nil,
        by copying: DiskCopying = DiskCopying()
    ) throws(VMError) {
        if isDisk { return try copyDisk(to: copy, called: target ?? path, trust, by: copying) }
        let stream = try ImageStream(try opened(trust), packing, path: path)
        var (header, position): ([UInt8], Int64) = ([], 0)
        while true {
            let piece = try stream.next()
            guard !piece.isEmpty else { break }
            if header.isEmpty { header = Array(piece.prefix(ImageContent.headerLength)) }
            try sum?.add(piece)
            do throws(Errno) { try writeSparsely(piece, at: position, to: copy.rawValue) } catch {
                throw .system(error, path.string, "can't be copied")
            }
            position += Int64(piece.count)
        }
        // It may have been written to since it was looked at.
        guard try Self.judge(header, path, bytes: position, overlay: isOverlay).0 == format else {
            throw VMError(.busy, path.string, "was changed meanwhile", remedy: "try again")
        }
        guard ftruncate(copy.rawValue, off_t(position)) == 0 else {
            throw .system(Errno(rawValue: errno), path.string, "can't be copied")
        }
        if format == .qcow2 { try refuseDamagedQCOW2(copy, of: path) }
    }
}
