import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// A disk image to be created, which takes no space for what holds only zeros, unless that is taken at once.
package struct SparseDisk {
    package var path: FilePath
    package var size: ByteCount
    package var format: DiskFormat
    package var content = Content.empty
    /// Whether an empty one takes all its space at once, so that its guest can't find the host full.
    package var isPreallocated = false

    /// What is in it.
    package enum Content: Equatable, Sendable {
        /// Only zeros.
        case empty
        /// What is in an image, of which it is a copy.
        case copy(of: ImageSource)
        /// What is in an image, of which it is an overlay. It is a copy of another one, if there is one, else empty.
        case overlay(of: FilePath, DiskFormat, copying: FilePath? = nil)
    }

    package init(path: FilePath, size: ByteCount, format: DiskFormat = .raw) {
        self.path = path
        self.size = size
        self.format = format
    }

    /// Creates the image. Throws as `prepare` does.
    ///
    /// - Returns: the file, which can be removed again.
    @discardableResult
    package func create(_ trust: FileTrust) throws(VMError) -> NewFile {
        let new = try prepare(trust)
        try putInPlace(new)
        return new
    }

    /// Creates the image, which has no name yet and no allocated blocks. Nothing is left behind on failure.
    ///
    /// - Throws: `.cannotCreate` if the path exists, the file system is full or can't hold a file of this size,
    ///   `.notFound` if the directory is missing, `.badData` if the size is not a positive multiple of 512, `.denied`
    ///   if somebody else could change the directory, `.unavailable` if qemu-img, which a qcow2 image needs, is missing
    ///   or fails.
    ///
    /// - Parameters:
    ///   - images: what images that hold nothing look like.
    ///   - copying: is told how far a copy is.
    package func prepare(
        _ trust: FileTrust, sharing images: UntouchedImages = UntouchedImages(), by copying: DiskCopying = DiskCopying()
    ) throws(VMError) -> NewFile {
        try refuseSize()
        let new: NewFile
        do throws(PathWalk.Failure) {
            let place = try trust.find(path)
            do throws(Errno) { new = try NewFile(at: place, permissions: Self.permissions, fill: resize) } catch {
                throw .system(error, path)
            }
        } catch { throw refusal(error) }
        do throws(VMError) {
            switch content {
            case .copy(let source): try fill(new.descriptor, from: source, trust, by: copying)
            case .overlay(let base, let format, let overlay):
                try images.write(self, to: new.descriptor) { file throws(VMError) in
                    if let overlay {
                        try copyOverlay(overlay, to: file, of: base, format)
                    } else {
                        try writeOverlay(to: file, of: base, format)
                    }
                }
            case .empty:
                guard format == .qcow2 else {
                    if isPreallocated { try allocate(new.descriptor) }
                    break
                }
                try images.write(self, to: new.descriptor) { file throws(VMError) in try writeQCOW2(to: file) }
            }
        } catch {
            new.remove()
            throw error
        }
        return new
    }

    /// Refuses what can't be created, and touches nothing. Throws as `prepare` does.
    package func refuse(_ trust: FileTrust) throws(VMError) {
        try refuseSize()
        do throws(PathWalk.Failure) {
            let place = try trust.find(path)
            // A symbolic link that leads nowhere is in the way, too.
            guard place.status == nil, RunFileOwnership.ownStatus(of: path) == nil else {
                throw .system(.fileExists, path)
            }
            if let failure = place.directoryFailure { throw .system(failure, path) }
        } catch { throw refusal(error) }
        if isPreallocated { try refuseLackOfRoom() }
        if needsQEMUImg, Tool.qemuImg.path == nil { throw Tool.qemuImg.missing(for: path.string) }
    }

    private func refuseSize() throws(VMError) {
        guard size.bytes > 0, size.bytes % 512 == 0 else {
            throw VMError(.badData, path.string, "a disk's size is a positive multiple of 512 bytes, not \(size.bytes)")
        }
    }

    /// Before the file system is filled up.
    private func refuseLackOfRoom() throws(VMError) {
        let directory = FileSystemSpace.existing(path.removingLastComponent())
        guard let free = FileSystemSpace(at: directory)?.free, free < size else { return }
        throw VMError(
            .cannotCreate, path.string, "takes \(size), and only \(free) is free on its file system", errno: .noSpace,
            remedy: "free some space, or leave out --preallocate")
    }

    private func allocate(_ file: FileDescriptor) throws(VMError) {
        // Where the file system can't allocate, this writes to each block (posix_fallocate(3)).
        let failed = posix_fallocate(file.rawValue, 0, off_t(size.bytes))
        guard failed == 0 else { throw failure(Errno(rawValue: failed)) }
    }

    /// The permissions of a new image: only its owner may use it.
    package static let permissions: mode_t = 0o600

    /// Gives the image its name. Throws as `prepare` does.
    package func putInPlace(_ file: NewFile) throws(VMError) {
        do throws(Errno) { try file.putInPlace() } catch { throw failure(error) }
    }

    private func resize(_ file: borrowing OwnedDescriptor) throws(Errno) {
        guard format == .raw, content == .empty else { return }
        guard ftruncate(file.rawValue, off_t(size.bytes)) == 0 else { throw Errno(rawValue: errno) }
    }

    private func refusal(_ failure: PathWalk.Failure) -> VMError {
        switch failure {
        case .system(let errno, _): self.failure(errno)
        case .distrusted(let distrust): distrust.refusal(toMake: path)
        }
    }

    private func failure(_ error: Errno) -> VMError {
        switch error {
        case .fileExists:
            VMError(
                .cannotCreate, path.string, "exists already",
                remedy: "it may hold a disk that is needed: name another path, or remove it yourself")
        // Such as /proc, which has no room for other files.
        case .noSuchFileOrDirectory
        where FileSystemSpace.existing(path.removingLastComponent()) == path.removingLastComponent():
            VMError(.cannotCreate, path.string, "the file system can't hold a file", errno: .notSupported)
        case .noSuchFileOrDirectory:
            VMError(
                .notFound, path.string, "the directory \(path.removingLastComponent()) does not exist",
                remedy: .run("create it", "mkdir -p \(path.removingLastComponent())"))
        case .fileTooLarge, .invalidArgument:
            VMError(.cannotCreate, path.string, "the file system can't hold a file of \(size)", errno: .fileTooLarge)
        default: .system(error, path.string, "can't create the disk")
        }
    }
}
