import SystemPackage
import VMCore
import VMHost

/// Detaches a disk or a network card. The guest is asked to let go of it, and is never forced to.
private struct Detachment {
    let vm: Machine
    /// `DISKn` or `NETn`.
    let device: KeyName
    /// What QEMU calls it.
    let id: String
    let request: ChangeRequest

    func detach() throws(VMError) -> DeviceChange {
        let file = request.scope.includesFile ? try request.context.file(of: vm) : nil
        let (planned, asks) = try vm.whileChanging(request) { running throws(VMError) in
            let change = try plan(running, file)
            try refuseStoodOn(file)
            if !request.isDryRun { try vm.check(change.edits, file?.trust) }
            return (change, change.machine == .changed && !request.isDryRun)
        }
        if request.isDryRun { return planned }
        if asks { try letGo() }
        var change = planned
        // The rest of it, which no device uses any longer, is removed as a leftover.
        change.edits = try vm.whileChanging(request) { running throws(VMError) in
            if running != nil, device.key == .net { try removeBackend() }
            return try vm.change(planned.edits, file?.trust, isLive: running != nil)
        }
        return change
    }

    private func plan(_ running: RunningMachine?, _ file: VMFile?) throws(VMError) -> DeviceChange {
        let inMachine = running?.hardware.devices.contains(id) == true
        let what = try describe(file)
        var change = DeviceChange(
            deed: .detach, device: "\(device)", what: what ?? running?.hardware.image(of: id)?.string,
            machine: running == nil
                ? request.scope.includesMachine ? .notRunning : .untouched : inMachine ? .changed : .already)
        if what != nil { change.edits = try removals() }
        guard inMachine || what != nil else {
            throw VMError(
                .notFound, vm.name.description, "there is no \(device)",
                remedy: "\(command: "kvmctl show \(vm.name)") shows what it has")
        }
        if inMachine, running?.hardware.canUnplug(id) == false {
            throw VMError(
                .busy, vm.name.description,
                "\(device) was there at its start, where a q35 machine can't let go of it while it runs",
                remedy: "change the file alone, with --config, and restart the VM; MACHINE=pc can")
        }
        return change
    }

    /// Refuses a disk that other VMs stand on: the VM that knows of it no longer is removed without it.
    private func refuseStoodOn(_ file: VMFile?) throws(VMError) {
        guard device.key == .disk, let file else { return }
        let disks = file.params.disks.filter { $0.index == device.index }
        try request.context.refuseStoodOn(disks, of: file.params) { users in
            "disks of VMs are overlays of its \(device): \(users)"
        }
        try request.context.refuseMaybeStoodOn(disks, of: file.params)
    }

    /// What the file says of it; nil if it has no such device.
    private func describe(_ file: VMFile?) throws(VMError) -> String? {
        guard let file, let index = device.index else { return nil }
        return device.key == .disk
            ? file.params.disks.first { $0.index == index }?.path.value.string
            : file.params.nics.first { $0.index == index }?.network.value.description
    }

    private func removals() throws(VMError) -> [ParamsEdit] {
        var edits: [ParamsEdit] = []
        for key in device.family {
            // Without a line, NET0 would be on br0.
            let value: String? = key == KeyName(.net, 0) ? "none" : nil
            edits.append(try ParamsEdit(key: "\(key)", value: value))
        }
        return edits
    }

    /// Asks the guest, and waits until the device is gone.
    private func letGo() throws(VMError) {
        let loss = "its devices are gone"
        var watch = try EventWatch(vm, or: loss)
        let deadline = Deadline(in: request.patience)
        try vm.operate { () throws(VMError) in try ask() }
        let end = try watch.wait(by: deadline) { event -> Bool? in
            switch event {
            case .deviceDeleted(id): true
            case .unplugRefused(id): false
            default: nil
            }
        }
        switch end {
        case .found(true): return
        case .ended: throw vm.notRunning(so: loss)
        case .found(false):
            throw VMError(
                .busy, vm.name.description, "its guest refused to let go of \(device)",
                remedy: "see that nothing in the guest uses it, and try again")
        case .timedOut:
            throw VMError(
                .timedOut, vm.name.description,
                "its guest did not let go of \(device) in \(request.patience.components.seconds) s; nothing was changed",
                remedy: """
                    it may still do so, at the latest when it reboots, and then the same command completes it; a guest \
                    without ACPI hot-plug can't
                    """)
        }
    }

    private func ask() throws(VMError) {
        do throws(MonitorSession.Failure) {
            let deadline = Deadline(in: RunningMachine.patience)
            var session = try vm.monitor(by: deadline)
            guard try session.execute(.status, by: deadline).vmState != .paused else {
                throw .ours(vm.paused(so: "its guest can't let go of \(device)"))
            }
            try session.execute(.unplug(id), by: deadline)
        } catch .qemu(.refused(_, let text)) where QEMUComplaint.unplugPending.isIn(text) {
            // By an earlier command that gave up waiting.
            return
        } catch { throw error.error(of: vm.name) }
    }

    /// Gives back the network, and what QEMU held for it.
    private func removeBackend() throws(VMError) {
        guard let index = device.index else { return }
        try vm.removeBackend(ofNIC: index)
        // What can't be removed now, root's next command tries again.
        _ = HostResource.sweep(vm.paths)
    }
}

extension Machine {
    /// Removes what is behind a network card that is gone; nothing if there is nothing.
    func removeBackend(ofNIC index: Int) throws(VMError) {
        try talk { session throws(MonitorSession.Failure) in
            let deadline = Deadline(in: RunningMachine.patience)
            try session.execute(.removeBackend("net\(index)"), orIgnoreBy: deadline)
            for name in VMParams.NIC.holdNames(index) { try session.execute(.closeLent(name), orIgnoreBy: deadline) }
        }
    }

    /// Detaches `DISKn` or `NETn`: now, if its guest lets go of it, and for the next start. The image stays.
    ///
    /// - Throws: `.timedOut` if the guest does not let go of it in time: then nothing is changed.
    package func detach(_ device: KeyName, _ request: ChangeRequest) throws(VMError) -> DeviceChange {
        guard let id = device.deviceID else { throw VMError(.bug, "\(device)", "is not a device") }
        return try Detachment(vm: self, device: device, id: id, request: request).detach()
    }
}
