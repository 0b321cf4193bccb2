import SystemPackage

extension LaunchPlanner {
    /// `DISKn`: each a node chain on a descriptor of its own, and a virtio-blk device.
    mutating func planDisks() {
        guard !params.disks.isEmpty else { return }
        add(
            "-object", "iothread,id=iothread0", purpose: "a thread for disk I/O beside the processors",
            from: .everyVM)
        for (position, disk) in params.disks.enumerated() {
            guard let image = usableImage(disk) else { continue }
            plan.summary.media.append(disk.path.value)
            plan(disk, image, at: PCILayout.disk(position, of: params.disks.count))
        }
    }

    private mutating func plan(_ disk: VMParams.Disk, _ image: UsableImage, at address: PCIAddress) {
        let id = "disk\(disk.index)"
        let from = disk.path.origin
        let cache = cacheMode(disk, image)
        let file = fdset(
            .image(disk.path.value, writable: !disk.readOnly.value, direct: cache.value.isDirect),
            purpose: "\(disk.path.value)", from: from)
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
            tried(aio == "io_uring" ? "QEMU and the kernel do io_uring" : "no io_uring here: threads"))
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
            ? Setting(.none, .host("\(image.isSeen ? "" : "assumed: ")the file system does direct I/O"))
            : Setting(.writeback, .host(image.directIOObstacle ?? "the file system does no direct I/O"))
    }
}

extension CacheMode {
    /// Whether the host's page cache is passed by (O_DIRECT).
    var isDirect: Bool { self == .none || self == .directsync }
    /// Whether the guest sees a disk with a write cache, which it has to flush.
    var deviceWriteCache: Bool { self != .writethrough && self != .directsync }
}
