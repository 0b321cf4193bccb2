import SystemPackage

extension LaunchPlanner {
    /// `DISKn`: each a node chain on a descriptor of its own, and a virtio-blk device.
    mutating func planDisks() {
        guard !params.disks.isEmpty else { return }
        add(
            "-object", "iothread,id=iothread0", purpose: "a thread for disk I/O beside the processors",
            from: .derived("kvmctl"))
        for (position, disk) in params.disks.enumerated() {
            guard let image = usableImage(disk) else { continue }
            plan.summary.media.append(disk.path.value)
            plan(disk, image, at: PCILayout.disk(position, of: params.disks.count))
        }
    }

    private struct UsableImage {
        var isBlockDevice: Bool
        var directIO: Bool
    }

    private mutating func plan(_ disk: VMParams.Disk, _ image: UsableImage, at address: PCIAddress) {
        let id = "disk\(disk.index)"
        let from = disk.path.origin
        let cache = cacheMode(disk, image)
        let file = fdset(
            .image(disk.path.value, writable: !disk.readOnly.value), purpose: "\(disk.path.value)", from: from)
        addFileNode(
            id, file, isBlockDevice: image.isBlockDevice, cache: cache, readOnly: disk.readOnly.value, from: from)

        let format = disk.format?.value ?? .raw
        var node: [String: JSON] = [
            "driver": .string(format.rawValue), "node-name": .string("\(id)-format"), "file": .string("\(id)-file"),
            "read-only": .bool(disk.readOnly.value), "discard": "unmap",
        ]
        if !disk.readOnly.value { node["detect-zeroes"] = "unmap" }
        // A header's word is not enough to open another file.
        if format == .qcow2 { node["backing"] = .null }
        addNode(
            node, purpose: "image format", from: disk.format?.origin ?? .standard(key: KeyName(.diskFormat, disk.index))
        )

        let top = addThrottle(disk) ?? "\(id)-format"
        let properties: [(String, String?)] = [
            ("drive", top), ("iothread", "iothread0"), ("bootindex", bootOrder.disks[disk.index].map(String.init)),
            ("write-cache", cache.value.deviceWriteCache ? "on" : "off"), ("serial", disk.serial?.value),
        ]
        add(
            "-device", qemuOption("virtio-blk-pci", [("id", id)] + address.properties + properties),
            purpose: "guest's disk", from: from)
    }

    /// What holds the bytes.
    mutating func addFileNode(
        _ id: String, _ file: String, isBlockDevice: Bool, cache: Setting<CacheMode>, readOnly: Bool, from: Origin
    ) {
        let aio = facts.ioUring && facts.qemu.ioUring ? "io_uring" : "threads"
        let node: [String: JSON] = [
            "driver": isBlockDevice ? "host_device" : "file", "node-name": .string("\(id)-file"),
            "filename": .string(file), "read-only": .bool(readOnly), "discard": "unmap", "aio": .string(aio),
            "cache": ["direct": .bool(cache.value.isDirect), "no-flush": .bool(cache.value == .unsafe)],
        ]
        addNode(
            node, purpose: "image file", from: from, cache.origin,
            .host(aio == "io_uring" ? "QEMU and the kernel do io_uring" : "no io_uring here: threads"))
    }

    mutating func addNode(_ node: [String: JSON], purpose: String, from origins: Origin...) {
        plan.arguments.append(
            ArgumentGroup(words: ["-blockdev", JSON.object(node).text], purpose: purpose, origins: origins))
    }

    /// `_IOPS` and `_BPS`; the name of the node that limits, nil where nothing does.
    private mutating func addThrottle(_ disk: VMParams.Disk) -> String? {
        guard disk.iops != nil || disk.bps != nil else { return nil }
        let id = "disk\(disk.index)"
        var limits: [String: JSON] = [:]
        limits["iops-total"] = disk.iops.map { .integer(Int64($0.value)) }
        limits["bps-total"] = disk.bps.map { .integer($0.value.bytes) }
        let group: JSON = [
            "qom-type": "throttle-group", "id": .string("\(id)-limits"), "limits": .object(limits),
        ]
        let origins = [disk.iops?.origin, disk.bps?.origin].compactMap { $0 }
        plan.arguments.append(
            ArgumentGroup(
                words: ["-object", group.text],
                purpose: "I/O limits", origins: origins))
        addNode(
            [
                "driver": "throttle", "node-name": .string("\(id)-throttle"), "file": .string("\(id)-format"),
                "throttle-group": .string("\(id)-limits"),
            ], purpose: "I/O limits", from: disk.path.origin)
        return "\(id)-throttle"
    }

    private func cacheMode(_ disk: VMParams.Disk, _ image: UsableImage) -> Setting<CacheMode> {
        if let cache = disk.cache { return cache }
        return image.directIO
            ? Setting(.none, .host("the file system does direct I/O"))
            : Setting(.writeback, .host("the file system does no direct I/O"))
    }

    /// Whether the image can be used as the file says it is; plans a missing one that has a size.
    private mutating func usableImage(_ disk: VMParams.Disk) -> UsableImage? {
        let image: UsableImage
        switch facts.images[disk.path.value] ?? .unusable("was not looked at") {
        case .missing(let directIO):
            guard planMissing(disk) else { return nil }
            image = UsableImage(isBlockDevice: false, directIO: directIO)
        case .directoryMissing:
            let directory = disk.path.value.removingLastComponent()
            refuse(
                .notFound, place(disk.path.origin), "\(disk.path.value): the directory \(directory) does not exist",
                remedy: "create it (`mkdir -p \(shellQuoted(directory.string))`), or mount what should hold the disk")
            return nil
        case .unusable(let reason):
            refuse(.badData, place(disk.path.origin), "\(disk.path.value) \(reason)")
            return nil
        case .file(let file):
            guard accepts(disk, file) else { return nil }
            image = UsableImage(isBlockDevice: false, directIO: file.directIO)
        case .blockDevice:
            image = UsableImage(isBlockDevice: true, directIO: true)
        }
        if let cache = disk.cache, cache.value.isDirect, !image.directIO {
            refuse(
                .unavailable, place(cache.origin), "the file system of \(disk.path.value) does no direct I/O",
                remedy: "use writeback, writethrough or unsafe, or leave the key out")
            return nil
        }
        return image
    }

    private mutating func planMissing(_ disk: VMParams.Disk) -> Bool {
        let path = disk.path.value
        guard let size = disk.size else {
            refuse(
                .notFound, place(disk.path.origin), "\(path) does not exist",
                remedy: "create it (`truncate -s 8G \(shellQuoted(path.string))`), or add DISK\(disk.index)_SIZE=8G "
                    + "and let the start create it")
            return false
        }
        guard (disk.format?.value ?? .raw) == .raw else {
            refuse(
                .unavailable, place(size.origin), "\(path) does not exist, and a qcow2 image is not created at start",
                remedy: "create it: `qemu-img create -f qcow2 \(shellQuoted(path.string)) \(size.value.bytes)`")
            return false
        }
        guard !disk.readOnly.value else {
            refuse(.badData, place(size.origin), "\(path) would be created empty, and is read-only")
            return false
        }
        plan.newDisks.append(.init(path: path, size: size.value))
        return true
    }

    private mutating func accepts(_ disk: VMParams.Disk, _ file: ImageFacts.FileFacts) -> Bool {
        let path = disk.path.value
        switch (disk.format?.value, file.content) {
        case (.raw?, _), (nil, .raw):
            guard file.bytes % 512 == 0, file.bytes > 0 else {
                refuse(
                    .badData, place(disk.path.origin),
                    "\(path) is \(file.bytes) bytes, and a disk is a positive multiple of 512")
                return false
            }
        case (nil, let content):
            refuse(
                .badData, place(disk.path.origin),
                "\(path) looks like a \(content.name) image, which a guest can fake, so it must be said",
                remedy:
                    "add DISK\(disk.index)_FORMAT=\(content.name), or DISK\(disk.index)_FORMAT=raw if the guest sees "
                    + "these very bytes")
            return false
        case (.qcow2?, .qcow2(let outside)):
            if let outside {
                refuse(
                    .unavailable, place(disk.path.origin), "\(path) is stored partly in another file, \(outside)",
                    remedy: "merge them: `qemu-img convert -O qcow2 \(shellQuoted(path.string)) NEW`")
                return false
            }
        case (.qcow2?, _):
            refuse(.badData, place(disk.format?.origin ?? disk.path.origin), "\(path) is not a qcow2 image")
            return false
        }
        return true
    }
}

extension CacheMode {
    /// Whether the host's page cache is passed by (O_DIRECT).
    var isDirect: Bool { self == .none || self == .directsync }
    /// Whether the guest sees a disk with a write cache, which it has to flush.
    var deviceWriteCache: Bool { self != .writethrough && self != .directsync }
}
