import BridgeNet

// What the keys of vm.params come to as devices, at start and when they are plugged.

extension BlockNode {
    /// What holds the bytes of the disk or CD with that id.
    package static func file(
        of id: String, in set: DescriptorSet, isBlockDevice: Bool, cache: CacheMode, aio: AsynchronousIO,
        isReadOnly: Bool
    ) -> BlockNode {
        BlockNode(
            name: "\(id)-file", driver: .file(set, isBlockDevice: isBlockDevice, cache: cache, aio: aio),
            isReadOnly: isReadOnly, discards: true)
    }

    /// `DISKn`: its format, and its limits where it has any.
    ///
    /// - Parameter backing: what it is an overlay of; nil: nothing.
    package static func disk(_ disk: VMParams.Disk, on file: BlockNode, over backing: BlockNode? = nil) -> BlockNode {
        let driver: Driver =
            switch disk.format?.value ?? .raw {
            case .raw: .raw(file)
            case .qcow2: .qcow2(file, backing: backing)
            }
        return limited(
            disk,
            BlockNode(name: "\(disk.deviceID)-format", driver: driver, isReadOnly: disk.readOnly.value, discards: true))
    }

    /// `DISKn` of a guest whose writes are discarded: an overlay of what it would be otherwise.
    ///
    /// - Parameter disk: what the guest sees, which it may write to.
    static func scratch(_ disk: VMParams.Disk, on file: BlockNode, over base: BlockNode?) -> BlockNode {
        limited(
            disk,
            BlockNode(
                name: "\(disk.scratchID)-format", driver: .qcow2(file, backing: base), isReadOnly: false, discards: true
            ))
    }

    /// `DISKn` as it was when a warm image was made: an overlay that is only read.
    static func frozen(_ disk: VMParams.Disk, on file: BlockNode, over base: BlockNode?) -> BlockNode {
        BlockNode(name: "\(disk.frozenID)-format", driver: .qcow2(file, backing: base), isReadOnly: true)
    }

    private static func limited(_ disk: VMParams.Disk, _ format: BlockNode) -> BlockNode {
        guard disk.iops != nil || disk.bps != nil else { return format }
        let limits = ThrottleGroup(
            id: disk.limitsID, iops: disk.iops.map { Int64($0.value) },
            bytesPerSecond: disk.bps?.value.bytes)
        return BlockNode(
            name: "\(disk.deviceID)-throttle", driver: .throttle(format, limits),
            isReadOnly: disk.readOnly.value ? true : nil)
    }

    /// A layer of `DISKn_BACKING`, which is read only.
    ///
    /// - Parameters:
    ///   - level: 0 for the nearest.
    ///   - below: what it stands on; nil: nothing.
    package static func backing(
        _ disk: VMParams.Disk, level: Int, _ format: DiskFormat, on file: BlockNode, over below: BlockNode?
    ) -> BlockNode {
        BlockNode(
            name: "\(disk.backingID(level))-format",
            driver: format == .raw ? .raw(file) : .qcow2(file, backing: below), isReadOnly: true)
    }

    /// The CD with that id.
    package static func disc(_ id: String, on file: BlockNode) -> BlockNode {
        BlockNode(name: "\(id)-format", driver: .raw(file), isReadOnly: true)
    }

    /// Whether it is one of a CD's.
    package var isOfDisc: Bool { Self.isOfDisc(name) }
    /// Whether a node of this name is one of a CD's.
    package static func isOfDisc(_ name: String) -> Bool { name.hasPrefix("cdrom") }
}

extension VMParams.Disk {
    /// What QEMU calls the device.
    package var deviceID: String { "disk\(index)" }
    /// What the names of the nodes of a layer below it begin with.
    package func backingID(_ level: Int) -> String { RunningHardware.backing(of: deviceID, level) }
    /// What the names of the nodes begin with that take what the guest writes.
    var scratchID: String { "\(deviceID)-scratch" }
    /// What the nodes of its overlay in a warm image are called after.
    var frozenID: String { "\(deviceID)-frozen" }
    /// What QEMU calls its limits.
    var limitsID: String { "\(deviceID)-limits" }
}

extension DiskBus {
    /// QEMU's name for a disk on it.
    package var device: String {
        switch self {
        case .virtio: "virtio-blk-pci"
        case .scsi: OptionalDevice.scsiDisk.rawValue
        case .sata: "ide-hd"
        }
    }
}

extension NICModel {
    /// QEMU's name for the card.
    package var device: String {
        switch self {
        case .virtio: "virtio-net-pci"
        case .e1000e: OptionalDevice.e1000e.rawValue
        }
    }
}

extension VMParams.NIC {
    /// What QEMU calls the network card.
    package var deviceID: String { "nic\(index)" }
    /// What QEMU calls its end of the network.
    package var backendID: String { "net\(index)" }
}

extension QEMUObject {
    /// The thread that all disks share.
    package static let diskThread = ioThread(id: "iothread0")
}

extension Device.Place {
    /// A spare root port of a q35 machine.
    package static func rootPort(_ index: Int) -> Device.Place { .bus("port\(index)") }
}

extension Device {
    /// The spare root port itself.
    package static func rootPort(_ index: Int) -> Device {
        Device(
            "pcie-root-port", id: "port\(index)", at: .root(PCILayout.rootPort(index)),
            ["chassis": .number(index + 1), "slot": .number(index)])
    }

    /// Where the firmware writes its log.
    static let firmwarePort = "isa-debugcon"

    /// What all disks with `DISKn_BUS=scsi` are attached to.
    package static let scsiController = Device(
        OptionalDevice.scsiController.rawValue, id: "scsi0", at: .root(PCILayout.scsi),
        ["iothread": .text(QEMUObject.diskThread.id)])

    /// `DISKn`, on the uppermost of its nodes.
    package static func disk(
        _ disk: VMParams.Disk, on node: BlockNode, cache: CacheMode, at place: Place, bootIndex: Int?
    ) -> Device {
        Device(
            disk.bus.value.device, id: disk.deviceID, at: place,
            [
                "drive": .text(node.name),
                "iothread": disk.bus.value == .virtio ? .text(QEMUObject.diskThread.id) : nil,
                // By its number, so that the guest finds it in the same place when others come and go.
                "scsi-id": disk.bus.value == .scsi ? .number(disk.index) : nil,
                "bootindex": bootIndex.map(PropertyValue.number),
                // An OnOffAuto.
                "write-cache": .text(cache.deviceWriteCache ? "on" : "off"),
                "serial": (disk.serial?.value).map(PropertyValue.text),
            ])
    }

    /// A CD drive, which is empty without a node.
    package static func cdDrive(_ id: String, on node: BlockNode?, at place: Place, bootIndex: Int?) -> Device {
        Device(
            cdDriver, id: id, at: place,
            ["drive": (node?.name).map(PropertyValue.text), "bootindex": bootIndex.map(PropertyValue.number)])
    }

    /// `NETn`, on the back end of that NIC.
    ///
    /// - Parameter mtu: What the guest has to be told of the MTU; nil: nothing, as it is Ethernet's 1500.
    package static func card(
        _ nic: VMParams.NIC, mac: MACAddress, mtu: Int?, at place: Place, bootIndex: Int?
    ) -> Device {
        let queues = nic.queues?.value ?? 1
        let isVirtio = nic.model.value == .virtio
        return Device(
            nic.model.value.device, id: nic.deviceID, at: place,
            [
                "netdev": .text(nic.backendID), "mac": .text(mac.description),
                "host_mtu": isVirtio ? mtu.map(PropertyValue.number) : nil,
                // An interrupt for each queue of a pair, one for control, one for changes (virtio 1.2, 5.1.2).
                "mq": queues > 1 ? .flag(true) : nil, "vectors": queues > 1 ? .number(2 * queues + 2) : nil,
                "bootindex": bootIndex.map(PropertyValue.number),
                // Without BOOT=net the option ROM would only cost time.
                "romfile": bootIndex == nil ? .text("") : nil,
            ])
    }
}
