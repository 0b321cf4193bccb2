import SystemPackage

/// An image that can be used.
struct UsableImage {
    var isBlockDevice: Bool
    var directIO: Bool
    /// Whether it was looked at, rather than assumed to exist for root.
    var isSeen = true
    /// Why direct I/O is not possible, if that is not because of the file system.
    var directIOObstacle: String?
}

extension UsableImage {
    package init(_ image: ImageFacts.Image) {
        let fits = image.bytes % image.directIOUnit == 0
        self.init(isBlockDevice: image.isBlockDevice, directIO: image.directIO && fits)
        guard !fits else { return }
        directIOObstacle =
            "direct I/O there needs a size that is a multiple of \(image.directIOUnit), and it is \(image.bytes) bytes"
    }
}

extension LaunchPlanner {
    /// The image of a disk, if it can be used as the file describes it; plans to create a missing one that has a size.
    mutating func usableImage(_ disk: VMParams.Disk) -> UsableImage? {
        let path = disk.path.value
        let image: UsableImage
        switch facts.images[path] {
        case .missing(let directIO, let failure, _):
            guard planMissing(disk, failure) else { return nil }
            image = UsableImage(isBlockDevice: false, directIO: directIO)
        case .directoryMissing:
            guard !refuseStoodOn(disk) else { return nil }
            let directory = path.removingLastComponent()
            refuse(
                .notFound, place(disk.path.origin), "\(path): the directory \(directory) does not exist",
                .file(path, .absent),
                remedy: Self.missing(path)
                    ?? "mount what should hold it, or restore it from a backup; only for a new disk, make that directory"
            )
            return nil
        default:
            guard let found = existing(disk.path, as: disk) else { return nil }
            if case .image(let seen) = found, !accepts(disk, seen) { return nil }
            image = found.usable
        }
        if let cache = disk.cache, cache.value.isDirect, !image.directIO {
            refuse(
                .unavailable, place(cache.origin),
                image.directIOObstacle.map { "\(path): \($0)" } ?? "the file system of \(path) has no direct I/O",
                .file(path, .noDirectIO),
                remedy: "use writeback, writethrough or unsafe, or remove the line")
            return nil
        }
        return image
    }

    /// What to do about a missing device, as creating a file in its place would be wrong; nil for any other path.
    private static func missing(_ path: FilePath) -> Remedy? {
        guard path.starts(with: "/dev") else { return nil }
        return "check that the device is there and its volume is active (vgchange -ay), or correct the path"
    }

    /// What to do about a disk that is lost: an empty one in its place would hide that, and what stands on it would be damaged.
    private static func lost(_ disk: VMParams.Disk) -> Remedy {
        if case .option = disk.path.origin { return "for a new disk, say how large it is to be: --size 8G" }
        let ways = "restore it from a backup, or mount what should hold it"
        guard disk.format?.value ?? .raw == .raw else {
            return "\(ways); only a VM that never had it needs a new one, which qemu-img create makes"
        }
        return
            "\(ways); only a VM that never had it needs a new one, which its start makes with DISK\(disk.index)_SIZE=8G"
    }

    /// Refuses a disk that is not there and that VMs stand on: on an empty one theirs would be damaged.
    private mutating func refuseStoodOn(_ disk: VMParams.Disk) -> Bool {
        let path = disk.path.value
        guard let users = facts.standing[path] else { return false }
        refuse(
            .notFound, place(disk.path.origin), "\(path) does not exist, and \(users.standing)", .file(path, .absent),
            remedy: "restore it from a backup, or mount what should hold it: disks of VMs are lost without its content")
        return true
    }

    private mutating func planMissing(_ disk: VMParams.Disk, _ failure: Errno?) -> Bool {
        let path = disk.path.value
        let isAttached = if case .option = disk.path.origin { true } else { false }
        guard !refuseStoodOn(disk) else { return false }
        guard let size = disk.size else {
            refuse(
                .notFound, place(disk.path.origin), "\(path) does not exist", .file(path, .absent),
                remedy: Self.missing(path) ?? Self.lost(disk))
            return false
        }
        // In its place the guest has an empty disk, which is not kept either.
        if options.discardsWrites { return true }
        let format = disk.format?.value ?? .raw
        guard format == .raw || isAttached else {
            refuse(
                .unavailable, place(size.origin), "\(path) does not exist, and qcow2 images are not created at start",
                .file(path, .notCreatable),
                remedy: Self.lost(disk))
            return false
        }
        guard !disk.readOnly.value else {
            refuse(
                .badData, place(size.origin), "\(path) would be created empty, but it is read-only",
                .file(path, .notCreatable))
            return false
        }
        if failure == .fileTooLarge {
            problem(
                VMError(
                    .cannotCreate, place(size.origin), "\(path) can't be created with \(size.value)",
                    errno: .fileTooLarge,
                    remedy:
                        "the file system there, or this process's limit (ulimit -f), allows less: write a smaller size",
                    condition: .file(path, .notCreatable)))
            return false
        }
        if let failure, !(facts.isAssumed && failure == .permissionDenied) {
            problem(
                VMError(
                    failed: failure, place(disk.path.origin), "\(path) can't be created",
                    remedy: "run kvmctl as a user who may write to \(path.removingLastComponent())",
                    condition: .file(path, .notCreatable)))
            return false
        }
        plan.newDisks.append(.init(path: path, size: size.value, format: format))
        return true
    }

    /// A guest can fake an image's format, and a converter also reads other files that the image names. So a person has
    /// to decide whether to convert it, and no command that does so is there to be pasted.
    private static func howToSay(_ content: ImageContent, _ disk: VMParams.Disk) -> String {
        func saying(_ format: String) -> String {
            if case .option = disk.path.origin { return "say --format \(format)" }
            return "add \(KeyName(.diskFormat, disk.index))=\(format)"
        }
        guard case .other(let name) = content else {
            return "\(saying(content.name)); or, if the guest should see exactly these bytes, \(saying("raw"))"
        }
        return """
            if a guest has had it as a raw disk, \(saying("raw")); if you made that \(name) image, convert it with qemu-img \
            convert -O qcow2: one from a guest or from somebody else can name any file on this host
            """
    }

    private mutating func accepts(_ disk: VMParams.Disk, _ image: ImageFacts.Image) -> Bool {
        let path = disk.path.value
        switch (disk.format?.value, image.content) {
        case (.raw?, _), (nil, .raw):
            guard image.bytes % 512 == 0, image.bytes > 0 else {
                refuse(
                    .badData, place(disk.path.origin),
                    "\(path) is \(image.bytes) bytes, but a disk's size is a positive multiple of 512",
                    .file(path, .content))
                return false
            }
        case (nil, let content):
            refuse(
                .badData, place(disk.path.origin), "\(path) \(content.objection(to: nil) ?? "")", .file(path, .content),
                remedy: .advice(Self.howToSay(content, disk)))
            return false
        case (.qcow2?, .qcow2(let outside)) where !disk.backing.isEmpty:
            return isOverlay(disk, of: outside, image) && opens(disk, image)
        case (.qcow2?, .qcow2(let outside)):
            if let outside {
                refuse(
                    .unavailable, place(disk.path.origin), "\(path) is partly stored in another file, \(outside)",
                    .file(path, .content),
                    remedy: """
                        if you made it and that file is yours, merge them into a new image with qemu-img convert \
                        -O qcow2; an image from somebody else can name any file on this host
                        """)
                return false
            }
            return opens(disk, image)
        case (.qcow2?, let content):
            let raw: Remedy = "if it holds a raw disk, write \(KeyName(.diskFormat, disk.index))=raw"
            refuse(
                .badData, place(disk.format?.origin ?? disk.path.origin),
                "\(path) \(content.objection(to: .qcow2) ?? "")", .file(path, .content),
                remedy: content == .raw ? raw : .advice(Self.howToSay(content, disk)))
            return false
        }
        noteSize(disk, image)
        return true
    }

    /// Whether QEMU opens a qcow2 image.
    private mutating func opens(_ disk: VMParams.Disk, _ image: ImageFacts.Image) -> Bool {
        guard let header = image.qcow2 else { return true }
        let path = disk.path.value
        if let fault = header.fault {
            refuse(
                .badData, place(disk.path.origin), "\(path) \(fault)", .file(path, .content),
                remedy: "\(command: "qemu-img info \(path)") shows more about it")
        } else if header.isCorrupt, !disk.readOnly.value {
            refuse(
                .badData, place(disk.path.origin), "\(path) is marked as corrupt: QEMU does not write to it",
                .file(path, .content),
                remedy:
                    "check it, and keep a copy before you repair it: \(command: "qemu-img check \(path)")")
        }
        noteSize(disk, image)
        return header.fault == nil
    }

    /// `_SIZE` does not resize an existing disk.
    private mutating func noteSize(_ disk: VMParams.Disk, _ image: ImageFacts.Image) {
        let header = disk.format?.value == .qcow2 ? image.qcow2 : nil
        let bytes = header.map { Int64(clamping: $0.diskBytes) } ?? image.bytes
        guard let wanted = disk.size?.value, wanted.bytes != bytes else { return }
        plan.notices.append(
            "\(disk.path.value) exists and has \(ByteCount(bytes: bytes)): DISK\(disk.index)_SIZE=\(wanted.parameter) applies only "
                + "when it is missing")
    }
}
