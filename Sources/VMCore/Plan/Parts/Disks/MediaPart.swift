import SystemPackage

extension LaunchPlanner {
    /// `CDROMn` and the ISO of this start.
    mutating func planMedia() {
        guard hasPortForEachDrive() else { return }
        // Behind the disks, which keep their ports when CDs come and go.
        let ports = DrivePorts(params.machine.value.family).buses.dropFirst(sataDisks.count)
        for (cdrom, port) in zip(params.cdroms, ports) {
            addDrive("cdrom\(cdrom.index)", cdrom.path, bootIndex: bootOrder.cdroms[cdrom.index], port: port)
        }
        guard let path = options.cdrom, let port = ports.dropFirst(params.cdroms.count).first else { return }
        let once = Setting<FilePath?>(path, .option(options.cdromWord))
        addDrive("cdrom-start", once, bootIndex: bootOrder.cdromOfStart, port: port)
        guard options.bootsCDROM else { return }
        // The firmware reads the order at each reset. The CD is first now, and last from the guest's first reboot on.
        let last = QMPCommand(
            "qom-set",
            [
                "path": "/machine/peripheral/cdrom-start", "property": "bootindex",
                "value": .integer(Int64(BootOrder.last)),
            ])
        plan.commit.append(last)
    }

    private mutating func addDrive(_ id: String, _ path: Setting<FilePath?>, bootIndex: Int?, port: String) {
        var node: BlockNode?
        if let disc = path.value {
            node = addDisc(id, Setting(disc, path.origin), isFirst: bootIndex == firstBootIndex)
            guard node != nil else { return }
        }
        let drive = Device.cdDrive(id, on: node, at: .bus(port), bootIndex: bootIndex)
        add(.device(drive), purpose: "CD drive", from: path.origin)
    }

    /// Adds the nodes of a medium; nil if it can't be used.
    ///
    /// - Parameters:
    ///   - id: What their names begin with.
    ///   - isFirst: Whether the firmware tries it first.
    mutating func addDisc(_ id: String, _ path: Setting<FilePath>, isFirst: Bool) -> BlockNode? {
        guard let found = existing(path) else { return nil }
        if case .image(let image) = found, image.bytes == 0 {
            refuse(
                .badData, place(path.origin), "\(path.value) is empty", .file(path.value, .content),
                remedy: "download it again")
            return nil
        }
        checkDisc(path, isFirst: isFirst)
        if case .option = path.origin { plan.vm.media.append(path.value) }
        let set = fdset(.image(path.value, writable: false), purpose: "\(path.value)", from: path.origin)
        let file = addFileNode(
            id, in: set, isBlockDevice: found.usable.isBlockDevice,
            cache: Setting(.writeback, .derived("a CD is read through the cache")), isReadOnly: true,
            from: path.origin)
        let node = BlockNode.disc(id, on: file)
        add(.node(node), purpose: "CD", from: path.origin)
        return node
    }
}

extension LaunchPlanner {
    /// The place of the device that the firmware tries first.
    private var firstBootIndex: Int {
        options.cdrom != nil && options.bootsCDROM ? bootOrder.cdromOfStart : BootOrder.firstPlace
    }

    /// An image that is cut short is a failed download; one that does not boot may still be wanted.
    private mutating func checkDisc(_ path: Setting<FilePath>, isFirst: Bool) {
        guard case .image(let image)? = facts.images[path.value], let disc = image.disc else { return }
        if let whole = disc.volumeBytes, whole > image.bytes, !image.isBlockDevice {
            refuse(
                .badData, place(path.origin),
                "\(path.value) is cut short: it is \(image.bytes) bytes, and its volume descriptor says \(whole)",
                .file(path.value, .content),
                remedy: "download it again, and compare its checksum")
        }
        guard disc.hasFileSystem else {
            plan.notices.append("\(path.value) is not an image of a CD: it has neither ISO 9660 nor UDF")
            return
        }
        guard isFirst, params.kernel == nil else { return }
        switch disc.boot {
        case .bios: break
        case .otherPlatform:
            plan.notices.append("\(path.value) boots on UEFI only, and FIRMWARE is bios: the next boot device is tried")
        case .none: plan.notices.append("\(path.value) has no boot record (El Torito): the next boot device is tried")
        }
    }
}
