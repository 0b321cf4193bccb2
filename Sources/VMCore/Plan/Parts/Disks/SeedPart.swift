import SystemPackage

extension LaunchPlanner {
    /// `CLOUDINIT_…`: a small disk that the guest can only read. It is there at every start: a guest whose seed is gone takes
    /// itself for another instance, or waits for a cloud.
    mutating func planSeed() {
        guard let wanted = params.cloudInit else { return }
        wanted.files.forEach { checkSeedFile($0) }
        noteWhatIsIgnored(wanted)
        let seed = CloudSeed(
            wanted, of: options.warm?.name ?? params.name.value, uuid: options.warm?.uuid ?? plan.uuid,
            contents: facts.seedFiles)
        plan.vm.instanceID = seed.instanceID
        let set = fdset(.seed(seed), purpose: "seed for cloud-init: \(seed)", from: wanted.origin)
        let file = addFileNode(
            Device.seedID, in: set, isBlockDevice: false,
            cache: Setting(.writeback, .derived("the seed is in memory")), isReadOnly: true, from: wanted.origin)
        let node = BlockNode.disc(Device.seedID, on: file)
        add(.node(node), purpose: "seed for cloud-init", from: wanted.origin)
        let place = Device.Place.root(PCILayout.seed(params.machine.value.family))
        add(.device(.seed(on: node, at: place)), purpose: "guest's read-only disk", from: wanted.origin)
    }

    private mutating func checkSeedFile(_ path: Setting<FilePath>) {
        guard existing(path)?.usable.isBlockDevice == true else { return }
        refuse(
            .badData, place(path.origin), "\(path.value) is a block device, not a file", .file(path.value, .wrongKind))
    }

    /// cloud-init tells nobody outside the guest.
    private mutating func noteWhatIsIgnored(_ wanted: VMParams.CloudInit) {
        if let file = wanted.userData, let content = facts.seedFiles[file.value],
            let notice = UserDataKind.notice(of: content, in: file.value)
        {
            plan.notices.append("\(place(file.origin)): \(notice)")
        }
        if let disk = params.disks.first, disk.bus.value == .sata {
            plan.notices.append(
                "\(place(wanted.origin)): the seed for cloud-init is a virtio disk, which a guest without virtio drivers "
                    + "does not find")
        }
    }
}

extension Device {
    /// What QEMU calls the seed.
    static let seedID = "seed"

    /// The seed for cloud-init.
    static func seed(on node: BlockNode, at place: Place) -> Device {
        Device(
            DiskBus.virtio.device, id: seedID, at: place,
            // It is found by its label; the serial number is for people.
            ["drive": .text(node.name), "serial": .text("cloud-init")])
    }
}

extension RunningHardware.Node {
    /// Whether it is the seed's, which no path leads to.
    var isOfSeed: Bool { name.hasPrefix("\(Device.seedID)-") }
}
