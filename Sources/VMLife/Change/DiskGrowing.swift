import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Makes a disk larger: that of a running guest through QEMU, which tells the guest; else the image itself.
private struct DiskGrowing {
    let vm: Machine
    let device: KeyName
    let growth: DiskGrowth
    let request: ChangeRequest

    func grow() throws(VMError) -> DeviceChange {
        // A running VM may have a disk that its file does not name.
        let file = try request.context.file(of: vm)
        let disk = file.params.disks.first { $0.index == device.index }
        return try vm.whileChanging(request) { running throws(VMError) in
            if let running, let id = device.deviceID, running.hardware.devices.contains(id) {
                return try grow(id, of: running, disk, file)
            }
            guard let disk else {
                throw VMError(
                    .notFound, vm.name.description, "there is no \(device)",
                    remedy: "\(command: "kvmctl show \(vm.name)") shows what it has")
            }
            return try grow(disk, file, isPending: running != nil)
        }
    }

    /// The disk of a running guest.
    private func grow(
        _ id: String, of running: RunningMachine, _ disk: VMParams.Disk?, _ file: VMFile
    ) throws(VMError) -> DeviceChange {
        guard let node = running.hardware.disk(id) else {
            throw VMError(.unavailable, vm.name.description, "QEMU does not say what \(device) stands on")
        }
        let path = running.hardware.image(of: id)
        let own = disk.flatMap { disk in path == nil || disk.path.value == path ? disk : nil }
        return try change(from: node.size, path ?? own?.path.value, own, file, state: .changed) {
            size throws(VMError) in
            try vm.talk { session throws(MonitorSession.Failure) in
                try session.execute(.resize(node.name, to: size), by: Deadline(in: RunningMachine.patience))
            }
        }
    }

    /// An image that no machine has.
    ///
    /// - Parameter isPending: whether the VM runs without this disk.
    private func grow(_ disk: VMParams.Disk, _ file: VMFile, isPending: Bool) throws(VMError) -> DeviceChange {
        let only = file.params.only(disk: disk, called: "\(vm.name)")
        let facts = try vm.facts(for: only, file, request)
        try refuseStoodOn(disk, facts)
        // What keeps it from being started keeps it from being changed: somebody else has it, it is damaged, ….
        let plan = try vm.plugPlan(only, into: nil, file, request, isWritten: true)
        guard plan.launch.newDisks.isEmpty, case .image(let image)? = facts.images[disk.path.value] else {
            throw VMError(
                .notFound, disk.path.value.string, "does not exist yet",
                remedy: "its start creates it, with \(KeyName(.diskSize, disk.index))")
        }
        guard !image.isBlockDevice else {
            throw VMError(
                .unavailable, disk.path.value.string, "is a block device, which is made larger where it was made",
                remedy: "lvextend for a logical volume; a running guest is told of it by the same command then")
        }
        let isQCOW2 = disk.format?.value == .qcow2
        let old = isQCOW2 ? image.qcow2.map { ByteCount(bytes: Int64(clamping: $0.diskBytes)) } : nil
        return try change(
            from: old ?? ByteCount(bytes: image.bytes), disk.path.value, disk, file,
            state: isPending ? .untouched : .notRunning
        ) { size throws(VMError) in
            let files = PlannedFiles(identities: plan.launch.identities, trust: file.trust)
            let opened = try files.image(disk.path.value, writable: true, direct: false)
            if isQCOW2 {
                try growQCOW2(opened.descriptor, to: size, disk.path.value)
            } else {
                try Self.growRaw(opened, to: size, disk.path.value)
            }
        }
    }

    /// Refuses an image that disks of other VMs are overlays of: each has a size of its own.
    private func refuseStoodOn(_ disk: VMParams.Disk, _ facts: HostFacts) throws(VMError) {
        guard case .image(let image)? = facts.images[disk.path.value], let use = image.uses.first(where: \.isBacking)
        else { return }
        let new = "--set \(KeyName(.diskSize, disk.index))=SIZE"
        throw VMError(
            .busy, disk.path.value.string, use.words,
            remedy: use.vm.map { name in
                "make the disks of the VMs that stand on it larger, as that of \(name); a new VM has a larger one with \(new)"
            })
    }

    private func change(
        from old: ByteCount, _ path: FilePath?, _ disk: VMParams.Disk?, _ file: VMFile,
        state machine: DeviceChange.MachineState,
        resize: (ByteCount) throws(VMError) -> Void
    ) throws(VMError) -> DeviceChange {
        let size = growth.size(from: old)
        if disk?.readOnly.value == true {
            throw VMError(
                .unavailable, vm.name.description, "\(device) is read-only", remedy: "remove \(device)_READONLY first")
        }
        guard let size, size >= old else {
            throw VMError(
                .usage, vm.name.description, "\(device) has \(old), and a disk only grows",
                remedy: "what the guest has at its end would be lost; give a larger size")
        }
        var change = DeviceChange(
            deed: .grow, device: "\(device)",
            what: [path?.string, "\(old) → \(size)"].compactMap(\.self).joined(separator: ", "),
            machine: size == old ? .already : machine)
        if let written = disk?.size?.value, written != size {
            change.edits = [try ParamsEdit(key: "\(KeyName(.diskSize, device.index))", value: size.parameter)]
        }
        if let path, size > old {
            change.notices = SpaceCheck.warnings(
                [SparseDisk(path: path, size: size - old)], besides: request.context.growth)
        }
        if request.isDryRun { return change }
        try vm.change(change.edits, file.trust, isLive: change.machine == .changed) { () throws(VMError) in
            if size > old { try resize(size) }
        }
        return change
    }

    private static func growRaw(
        _ image: borrowing OwnedDescriptor, to size: ByteCount, _ path: FilePath
    ) throws(VMError) {
        guard ftruncate(image.rawValue, off_t(size.bytes)) == 0 else {
            throw .system(Errno(rawValue: errno), path.string, "can't grow to \(size)")
        }
    }
}

extension Machine {
    /// Makes `DISKn` larger, and `DISKn_SIZE` with it where the file has it.
    package func growDisk(
        _ device: KeyName, _ growth: DiskGrowth, _ request: ChangeRequest
    ) throws(VMError) -> DeviceChange {
        try DiskGrowing(vm: self, device: device, growth: growth, request: request).grow()
    }
}
