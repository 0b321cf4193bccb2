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
    /// Something that somebody else could change, or put another thing in its place.
    case distrusted(Distrust)
    /// Something of another kind; what, in words.
    case unusable(String)
    /// Something that can't be looked at for another reason, and what to do about that.
    case failed(Errno, Remedy? = nil)

    /// Whether another process holds it.
    package var isLocked: Bool {
        if case .image(let image) = self { !image.locks.isEmpty } else { false }
    }

    /// Which file it is, where it was looked at.
    var identity: FileIdentity? { if case .image(let image) = self { image.identity } else { nil } }

    /// What tells it from all others, whatever paths lead there; nil where it was not looked at.
    var place: FilePlace? {
        switch self {
        case .image(let image): image.deviceNumber.map(FilePlace.device) ?? image.identity.map(FilePlace.file)
        case .missing(_, _, let place): place
        case .directoryMissing, .denied, .distrusted, .unusable, .failed: nil
        }
    }

    /// What is known of a file or a block device.
    package struct Image: Equatable, Sendable {
        /// Which file it is; nil where it was not looked at.
        package var identity: FileIdentity?
        /// The device's number, where it is a block device.
        package var deviceNumber: UInt64?
        /// Its apparent size in bytes.
        package var bytes: Int64
        /// What its first bytes look like.
        package var content: ImageContent
        /// Whether it is a block device rather than a file.
        package var isBlockDevice = false
        /// Whether it opens with O_DIRECT.
        package var directIO: Bool
        /// Why it can't be written to, where that is so.
        package var writeFailure: Errno?
        /// Then whose it is and its mode, in words.
        package var owner: String?
        /// What others hold of it.
        package var locks: Set<ImageLock> = []
        /// Who else has it, or what it is made of.
        package var uses: [DiskUse] = []
        /// Whether it is a block device that the kernel lets nobody write to.
        package var isReadOnlyDevice = false
        /// What its size has to be a multiple of to be written with O_DIRECT, in bytes.
        package var directIOUnit: Int64 = 1
        /// Its header, where it is a qcow2 image.
        package var qcow2: QCOW2Condition?
        /// What it is as a CD, where it is to be one.
        package var disc: OpticalDisc?
        /// What it is as a kernel, where it is to be one, or to go with one.
        package var kernel: KernelImage?

        /// Describes a file or device; see the properties.
        package init(bytes: Int64, content: ImageContent, directIO: Bool) {
            self.bytes = bytes
            self.content = content
            self.directIO = directIO
        }
    }

    /// What is known of a file that the caller may not read.
    package struct Denial: Equatable, Sendable {
        /// Whose it is and its mode, in words; nil where not even that can be seen.
        package var owner: String?
        /// Whether it is the caller's own.
        package var isOwn = false
        /// Whether it is a block device.
        package var isBlockDevice = false

        /// Nothing is known.
        package init() {}
    }
}

/// What a QEMU says of an image that it has open, as a lock on a byte of it (QEMU, block/file-posix.c: RAW_LOCK_PERM_BASE
/// and RAW_LOCK_SHARED_BASE, each with the bits of BLK_PERM_…).
package enum ImageLock: Int64, CaseIterable, Sendable {
    /// It writes.
    case writes = 101
    /// It bears no other reader.
    case refusesReaders = 200
    /// It bears no other writer, as every machine with a disk.
    case refusesWriters = 201

    /// Whether this lock keeps a new machine from using the image.
    func excludes(writable: Bool) -> Bool { writable || self != .refusesWriters }
}
