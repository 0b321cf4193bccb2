import SystemPackage

/// What is at the path of an image, or of another file that the VM needs.
package enum ImageFacts: Equatable, Sendable {
    /// Nothing. `directIO`: whether a file made there could be opened with O_DIRECT; `failure`: why none can be made;
    /// `place`: where it would be.
    case missing(directIO: Bool, failure: Errno? = nil, place: FilePlace? = nil)
    /// Not even the directory.
    case directoryMissing
    /// A file or a block device.
    case image(Image)
    /// Something that the caller may not look at.
    case denied(Denial)
    /// Something that somebody else could change or replace.
    case distrusted(UntrustedFile)
    /// Something of another kind.
    case unusable(Unusable)
    /// Something that can't be looked at for another reason, and what to do about that.
    case failed(Errno, Remedy? = nil)

    /// Whether another process holds it.
    package var isLocked: Bool {
        if case .image(let image) = self { !image.locks.isEmpty } else { false }
    }

    /// Which file it is; nil if it was not looked at.
    var identity: FileIdentity? { if case .image(let image) = self { image.identity } else { nil } }

    /// Identifies it, whatever paths lead to it; nil if it was not looked at.
    var place: FilePlace? {
        switch self {
        case .image(let image): image.deviceNumber.map(FilePlace.device) ?? image.identity.map(FilePlace.file)
        case .missing(_, _, let place): place
        case .directoryMissing, .denied, .distrusted, .unusable, .failed: nil
        }
    }

    /// A place where no image can be.
    package enum Unusable: Equatable, Sendable {
        case directory
        /// A socket, a pipe or a character device.
        case special
        /// A view of the kernel's state, of the file system with this name.
        case pseudoFile(String)
        /// A new file there would be one.
        case newPseudoFile(String)
    }

    /// What is known about a file or a block device.
    package struct Image: Equatable, Sendable {
        /// Identifies the file; nil if it was not looked at.
        package var identity: FileIdentity?
        /// The device's number, if it is a block device.
        package var deviceNumber: UInt64?
        /// Its apparent size in bytes.
        package var bytes: Int64
        /// What its first bytes look like.
        package var content: ImageContent
        /// Whether it is a block device rather than a file.
        package var isBlockDevice = false
        /// Whether it opens with O_DIRECT.
        package var directIO: Bool
        /// Why it can't be written to; nil if it can.
        package var writeFailure: Errno?
        /// If it can't be written to: its owner and mode, in words.
        package var owner: String?
        /// The locks that others hold on it.
        package var locks: Set<ImageLock> = []
        /// Other uses of it, or of what it is made of.
        package var uses: [DiskUse] = []
        /// Whether it is a block device that the kernel makes read-only.
        package var isReadOnlyDevice = false
        /// With O_DIRECT, its size has to be a multiple of this, in bytes.
        package var directIOUnit: Int64 = 1
        /// Its header, if it is a qcow2 image.
        package var qcow2: QCOW2Condition?
        /// Whether it was written to after its sum was written down beside it (`image import`).
        package var isChangedSinceSummed = false
        /// When the file was made, in nanoseconds since 1970; nil if that is not known, or it is a block device.
        package var made: Int64?
        /// The same of when it was last written to, if it is to be an image that others stand on and has no sum.
        package var written: Int64?
        /// What it contains as a CD, if it is used as one.
        package var disc: OpticalDisc?
        /// What it is as a kernel, if it is used as one or as an initial RAM disk.
        package var kernel: KernelImage?

        /// Describes a file or device; see the properties.
        package init(bytes: Int64, content: ImageContent, directIO: Bool) {
            self.bytes = bytes
            self.content = content
            self.directIO = directIO
        }
    }

    /// What is known about a file that the caller may not read.
    package struct Denial: Equatable, Sendable {
        /// Its owner and mode, in words; nil if not even those can be seen.
        package var owner: String?
        /// Whether the caller owns it.
        package var isOwn = false
        /// Whether it is a block device.
        package var isBlockDevice = false

        /// Nothing is known.
        package init() {}
    }
}

extension ImageFacts.Unusable: CustomStringConvertible {
    /// In words that follow the path.
    package var description: String {
        switch self {
        case .directory: "is a directory"
        case .special: "is neither a file nor a block device"
        case .pseudoFile(let system): "is a file of \(system), which shows the kernel's state and stores nothing"
        case .newPseudoFile(let system): "would be a file of \(system), where no files can be made"
        }
    }
}

/// What a QEMU does with an image that it has open, declared by a lock on a byte of it (QEMU, block/file-posix.c:
/// RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE, each with the bits of BLK_PERM_…).
package enum ImageLock: Int64, CaseIterable, Sendable {
    /// It writes.
    case writes = 101
    /// It allows no other reader.
    case refusesReaders = 200
    /// It allows no other writer, as is the case for every VM with a disk.
    case refusesWriters = 201

    /// Whether this lock keeps another VM from using the image.
    package func excludes(writable: Bool) -> Bool { writable || self != .refusesWriters }
}
