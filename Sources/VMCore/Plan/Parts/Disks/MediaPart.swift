import SystemPackage

extension LaunchPlanner {
    /// `CDROMn` and the ISO of this start.
    mutating func planMedia() {
        var slots = OpticalSlots(params.machine.value.family)
        for cdrom in params.cdroms {
            addDrive(
                "cdrom\(cdrom.index)", cdrom.path, bootIndex: bootOrder.cdroms[cdrom.index], slot: slots.next())
        }
        guard let path = options.cdrom else { return }
        let once = Setting<FilePath?>(path, .option(options.cdromWord))
        addDrive("cdrom-start", once, bootIndex: bootOrder.cdromOfStart, slot: slots.next())
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

    private mutating func addDrive(_ id: String, _ path: Setting<FilePath?>, bootIndex: Int?, slot: String?) {
        guard let slot else {
            refuse(
                .unavailable, place(path.origin),
                "the \(params.machine.value) machine has no room for another CD drive",
                remedy: "take out a CDROMn line")
            return
        }
        var node: BlockNode?
        if let disc = path.value {
            node = addDisc(id, Setting(disc, path.origin), isFirst: bootIndex == firstBootIndex)
            guard node != nil else { return }
        }
        let drive = Device.cdDrive(id, on: node, at: .bus(slot), bootIndex: bootIndex)
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
            plan.notices.append("\(path.value) is no image of a CD: it has neither ISO 9660 nor UDF")
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

/// The places for CD drives: six SATA ports on q35, and on pc the masters and slaves of two IDE channels.
struct OpticalSlots {
    private var free: [String]

    package init(_ family: MachineModel.Family) {
        free =
            switch family {
            case .q35: (0..<6).map { "ide.\($0)" }
            case .pc: ["ide.0", "ide.1", "ide.0", "ide.1"]
            }
        free.reverse()
    }

    /// The bus of the next free place; nil where all are taken.
    mutating func next() -> String? { free.popLast() }
}
