import SystemPackage

extension LaunchPlanner {
    /// `DISKn`: for each a descriptor, the nodes above it and a device on its bus.
    mutating func planDisks() {
        if params.disks.contains(where: { $0.bus.value != .sata }) {
            add(.object(.diskThread), purpose: "a thread for disk I/O beside the processors", from: .everyVM)
        }
        planSCSI()
        for bus in DiskBus.allCases { planDisks(params.disks.filter { $0.bus.value == bus }, on: bus) }
    }

    private mutating func planDisks(_ disks: [VMParams.Disk], on bus: DiskBus) {
        for (position, disk) in disks.enumerated() {
            // What no guest writes to is only read.
            let isDiscarded = options.discardsWrites && !disk.readOnly.value
            guard let image = usableImage(isDiscarded ? disk.asBase : disk) else { continue }
            let place: Device.Place =
                switch bus {
                case .virtio: .root(PCILayout.disk(position, of: disks.count))
                case .scsi: .bus("scsi0.0")
                case .sata: .bus("ide.\(position)")
                }
            if isDiscarded { planScratch(disk, image, at: place) } else { plan(disk, image, at: place) }
        }
    }

    /// The controller that all disks with `DISKn_BUS=scsi` share.
    private mutating func planSCSI() {
        let origins = params.disks.filter { $0.bus.value == .scsi }.map(\.bus.origin)
        guard let first = origins.first else { return }
        for device in [OptionalDevice.scsiController, .scsiDisk] {
            requireDevice(device, for: first, remedy: "write virtio or sata, or use a QEMU that was built with it")
        }
        add(.device(.scsiController), purpose: "SCSI controller", from: origins)
    }

    private mutating func plan(_ disk: VMParams.Disk, _ image: UsableImage, at place: Device.Place) {
        guard let node = addImage(disk, image) else { return }
        addDevice(disk, on: node, image, at: place)
    }

    /// The disk of a guest whose writes are discarded. One that is missing is not created.
    private mutating func planScratch(_ disk: VMParams.Disk, _ image: UsableImage, at place: Device.Place) {
        var base: BlockNode?
        if !isMissing(disk) {
            guard let node = addImage(disk.asBase, image) else { return }
            base = node
        }
        let origin = Origin.derived("what the guest writes is discarded")
        if let warm = options.warm, !warm.isMade { base = planFrozen(disk, in: warm, over: base) }
        let set = fdset(roleOfScratch(disk), purpose: "what is written to \(disk.path.value)", from: origin)
        let file = addFileNode(
            disk.scratchID, in: set, isBlockDevice: false,
            cache: Setting(.unsafe, .derived("nothing has to outlive QEMU")), isReadOnly: false, from: origin)
        let node = BlockNode.scratch(disk, on: file, over: base)
        add(disk, node)
        addDevice(disk, on: node, image, at: place)
    }

    /// The file that takes what is written: one with a name if it is to be a part of a warm image.
    private func roleOfScratch(_ disk: VMParams.Disk) -> Descriptor.Role {
        guard let warm = options.warm, warm.isMade else { return .scratch(guestSize(of: disk)) }
        return .frozen(warm.disk(disk.index), making: guestSize(of: disk))
    }

    private func isMissing(_ disk: VMParams.Disk) -> Bool {
        if case .missing? = facts.images[disk.path.value] { true } else { false }
    }

    /// The size that the guest sees; zero if the disk can't be looked at.
    private func guestSize(of disk: VMParams.Disk) -> ByteCount {
        guard case .image(let image)? = facts.images[disk.path.value] else {
            return disk.size?.value ?? ByteCount(bytes: 0)
        }
        let header = disk.format?.value == .qcow2 ? image.qcow2 : nil
        return ByteCount(bytes: header.map { Int64(clamping: $0.diskBytes) } ?? image.bytes)
    }

    /// The nodes of a disk's image, up to its limits; nil if it can't be used.
    private mutating func addImage(_ disk: VMParams.Disk, _ image: UsableImage) -> BlockNode? {
        let from = disk.path.origin
        guard let layers = layers(below: disk) else { return nil }
        let backing = addBacking(layers, of: disk)
        let cache = cacheMode(disk, image)
        let set = fdset(
            .image(disk.path.value, writable: !disk.readOnly.value, direct: cache.value.isDirect),
            purpose: "\(disk.path.value)", from: from)
        let file = addFileNode(
            disk.deviceID, in: set, isBlockDevice: image.isBlockDevice, cache: cache, isReadOnly: disk.readOnly.value,
            from: from)
        let node = BlockNode.disk(disk, on: file, over: backing)
        add(disk, node)
        return node
    }

    private mutating func addDevice(
        _ disk: VMParams.Disk, on node: BlockNode, _ image: UsableImage, at place: Device.Place
    ) {
        let from = disk.path.origin
        let device = Device.disk(
            disk, on: node, cache: cacheMode(disk, image).value, at: place, bootIndex: bootOrder.disks[disk.index])
        let bus = disk.bus.value == .virtio ? nil : disk.bus.origin
        add(.device(device), purpose: "guest's disk", from: [from] + [bus].compactMap(\.self))
    }

    /// Adds the nodes above the one that holds the bytes.
    private mutating func add(_ disk: VMParams.Disk, _ node: BlockNode) {
        switch node.driver {
        case .file: return
        case .raw, .qcow2:
            let origin = disk.format?.origin ?? .standard(key: KeyName(.diskFormat, disk.index))
            add(.node(node), purpose: "image format", from: origin)
        case .throttle(let format, let group):
            add(disk, format)
            add(
                .object(.throttleGroup(group)), purpose: "I/O limits",
                from: [disk.iops?.origin, disk.bps?.origin].compactMap(\.self))
            add(.node(node), purpose: "I/O limits", from: disk.path.origin)
        }
    }

    /// Adds the node that holds the bytes of a disk or CD.
    mutating func addFileNode(
        _ id: String, in set: DescriptorSet, isBlockDevice: Bool, cache: Setting<CacheMode>, isReadOnly: Bool,
        from origin: Origin
    ) -> BlockNode {
        let aio: BlockNode.AsynchronousIO = facts.ioUring && facts.qemu.ioUring ? .ioUring : .threads
        let node = BlockNode.file(
            of: id, in: set, isBlockDevice: isBlockDevice, cache: cache.value, aio: aio, isReadOnly: isReadOnly)
        let reason = aio == .ioUring ? "QEMU and the kernel do io_uring" : "no io_uring here: threads"
        add(.node(node), purpose: "image file", from: origin, cache.origin, tried(reason))
        return node
    }

    private func cacheMode(_ disk: VMParams.Disk, _ image: UsableImage) -> Setting<CacheMode> {
        if let cache = disk.cache { return cache }
        return image.directIO
            ? Setting(.none, .host("\(image.isSeen ? "" : "assumed: ")the file system does direct I/O"))
            : Setting(.writeback, .host(image.directIOObstacle ?? "the file system does no direct I/O"))
    }
}

extension VMParams.Disk {
    /// The same as what an overlay stands on: only read, and without limits, which are the overlay's.
    fileprivate var asBase: VMParams.Disk {
        var base = self
        base.readOnly = Setting(true, .derived("what the guest writes is discarded"))
        (base.iops, base.bps) = (nil, nil)
        return base
    }
}
