import SystemPackage
import VMCore
import VMHost

/// Puts a medium into a CD drive, or takes it out.
package struct CDMedium {
    private let vm: Machine
    private let request: ChangeRequest
    /// The drive that was named, such as `CDROM1`.
    private let wanted: KeyName?
    /// Whether the tray is opened although the guest has locked it.
    private let isForced: Bool

    fileprivate init(_ vm: Machine, drive: KeyName?, force: Bool, _ request: ChangeRequest) {
        (self.vm, wanted, isForced, self.request) = (vm, drive, force, request)
    }

    /// Puts an ISO in. The one that is in the drive is taken out first.
    fileprivate func insert(_ disc: FilePath) throws(VMError) -> DeviceChange {
        let file = try request.context.file(of: vm)
        let (planned, drive) = try vm.whileChanging(request) { running throws(VMError) in
            let change = try self.change(.insert, disc, running, file)
            // What is wrong with the ISO is said before the old one is out.
            if let (running, drive) = try live(change, running) {
                _ = try plan(disc, for: drive, running, file)
                return (change, request.isDryRun ? nil : drive)
            }
            try checkForFile(disc, file)
            return (change, nil)
        }
        if request.isDryRun { return planned }
        var change = planned
        if let drive { try openTray(of: drive) }
        change.edits = try vm.whileChanging(request) { running throws(VMError) in
            try vm.change(planned.edits, file.trust, isLive: running != nil) { () throws(VMError) in
                guard var running, let drive = running.hardware.drives.first(where: { $0.id == drive?.id }) else {
                    return
                }
                try put(plan(disc, for: drive, running, file), into: drive, &running, file.trust)
            }
        }
        return change
    }

    /// Takes the medium out, if there is one. The drive stays, empty.
    fileprivate func eject() throws(VMError) -> DeviceChange {
        let file = request.scope.includesFile ? try request.context.file(of: vm) : nil
        let (planned, drive) = try vm.whileChanging(request) { running throws(VMError) in
            let change = try self.change(.eject, nil, running, file)
            return (change, try live(change, running)?.drive)
        }
        if request.isDryRun { return planned }
        var change = planned
        if let drive { try openTray(of: drive) }
        change.edits = try vm.whileChanging(request) { running throws(VMError) in
            try vm.change(planned.edits, file?.trust, isLive: running != nil) { () throws(VMError) in
                guard var running, let drive = running.hardware.drives.first(where: { $0.id == drive?.id }) else {
                    return
                }
                try vm.talk { session throws(MonitorSession.Failure) in
                    try carryOut(.removeMedium(from: drive.id), on: drive, &session)
                }
                try running.update()
            }
        }
        return change
    }
}

// Which drive.
extension CDMedium {
    /// What is to be done: to the machine, if it runs, and to the file.
    private func change(
        _ deed: DeviceChange.Deed, _ disc: FilePath?, _ running: RunningMachine?, _ file: VMFile?
    ) throws(VMError) -> DeviceChange {
        let drive = if let running { try self.drive(of: running.hardware) } else { nil as RunningHardware.Drive? }
        let key = if let drive { drive.key } else { try fileDrive(of: file, adding: deed == .insert) }
        var change = DeviceChange(
            deed: deed, device: drive?.title ?? key?.description ?? "", what: disc?.string,
            machine: request.scope.includesMachine ? .notRunning : .untouched)
        if let running, let drive {
            let found = running.hardware.medium(of: drive)
            change.machine = (disc == nil ? drive.medium == nil : found == disc) ? .already : .changed
            if deed == .eject { change.what = found?.string }
        }
        if request.scope.includesFile, let key, let file {
            let old = file.params.cdroms.first { $0.index == key.index }
            // A drive that only the running machine has goes with it.
            if old == nil, drive != nil, disc == nil { return change }
            if deed == .eject, change.what == nil { change.what = old?.path.value?.string }
            if old == nil || old?.path.value != disc {
                let value = disc.map { $0.value(in: file) } ?? ""
                change.edits = [try ParamsEdit(key: "\(key)", value: value)]
            }
        }
        return change
    }

    /// The running machine and its drive, if that is to be changed.
    private func live(
        _ change: DeviceChange, _ running: RunningMachine?
    ) throws(VMError) -> (running: RunningMachine, drive: RunningHardware.Drive)? {
        guard change.machine == .changed, let running else { return nil }
        return (running, try drive(of: running.hardware))
    }

    private func drive(of machine: RunningHardware) throws(VMError) -> RunningHardware.Drive {
        let drives = machine.drives.sorted { $0.id < $1.id }
        if let wanted {
            if let drive = drives.first(where: { $0.key == wanted }) { return drive }
            throw noDrive("it has no \(wanted)", drives)
        }
        guard let only = drives.first else { throw noDrive("it has no CD drive", drives) }
        guard drives.count == 1 else {
            throw VMError(
                .usage, vm.name.description, "it has \(drives.count) CD drives",
                remedy: "name one with --drive: \(drives.map(\.title).joined(separator: ", "))")
        }
        return only
    }

    private func noDrive(_ cause: String, _ drives: [RunningHardware.Drive]) -> VMError {
        let others = drives.isEmpty ? "" : " (it has \(drives.map(\.title).joined(separator: ", ")))"
        return VMError(
            .unavailable, vm.name.description, "\(cause)\(others), and none can be plugged while it runs",
            remedy: "insert it with --config, which adds the drive to its file, and restart the VM")
    }

    /// The drive of a VM that does not run, or whose machine stays as it is.
    private func fileDrive(of file: VMFile?, adding: Bool) throws(VMError) -> KeyName? {
        guard let file else { return nil }
        if let wanted {
            if adding || file.params.cdroms.contains(where: { $0.index == wanted.index }) { return wanted }
            throw VMError(.notFound, vm.name.description, "its file has no \(wanted)")
        }
        let drives = file.params.cdroms.map { KeyName(.cdrom, $0.index) }
        guard drives.count < 2 else {
            throw VMError(
                .usage, vm.name.description, "it has \(drives.count) CD drives",
                remedy: "name one with --drive: \(drives.map(\.description).joined(separator: ", "))")
        }
        if drives.isEmpty, !adding {
            throw VMError(.notFound, vm.name.description, "it has no CD drive, so there is nothing to eject")
        }
        return drives.first ?? KeyName(.cdrom, 0)
    }
}

// What is done.
extension CDMedium {
    private func plan(
        _ disc: FilePath, for drive: RunningHardware.Drive, _ running: RunningMachine, _ file: VMFile
    ) throws(VMError) -> PlugPlan {
        let (setting, params) = only(disc, file)
        let facts = try vm.facts(for: params, file, request)
        do throws(PlanRefusal) {
            return try PlugPlan(disc: setting, for: drive, of: params, in: running.hardware, facts: facts)
        } catch { throw error.error(of: disc) }
    }

    /// The same checks for an ISO that is not used before the next start.
    private func checkForFile(_ disc: FilePath, _ file: VMFile) throws(VMError) {
        let (setting, params) = only(disc, file)
        let facts = try vm.facts(for: params, file, request)
        do throws(PlanRefusal) {
            let drive = RunningHardware.Drive(id: "cdrom0")
            _ = try PlugPlan(disc: setting, for: drive, of: params, in: RunningHardware(), facts: facts)
        } catch { throw error.error(of: disc) }
    }

    private func only(_ disc: FilePath, _ file: VMFile) -> (Setting<FilePath>, VMParams) {
        let words = "\(vm.name)"
        return (Setting(disc, .option(words)), file.params.only(disc: disc, called: words))
    }

    /// Opens the tray. The guest is asked first, if it has locked it.
    private func openTray(of drive: RunningHardware.Drive) throws(VMError) {
        guard !drive.isOpen else { return }
        let loss = "its CD drives are gone"
        var watch = try EventWatch(vm, or: loss)
        let deadline = Deadline(in: request.patience)
        try vm.operate { () throws(VMError) in
            _ = try vm.ask(.openTray(of: drive.id, force: isForced), by: Deadline(in: RunningMachine.patience))
        }
        if !drive.isLocked || isForced { return }
        let end = try watch.wait(by: deadline) { event -> Bool? in
            event == .trayMoved(id: drive.id, isOpen: true) ? true : nil
        }
        switch end {
        case .found: return
        case .ended: throw vm.notRunning(so: loss)
        case .timedOut:
            throw VMError(
                .timedOut, vm.name.description,
                "its guest has locked the tray of \(drive.title), and did not open it in \(request.patience.components.seconds) s",
                remedy: "unmount the CD in the guest; --force opens the tray all the same")
        }
    }

    /// Does what takes an open tray. A guest that looks for a medium, as at its boot, closes the tray that was opened for
    /// this: then it is opened again.
    private func carryOut(
        _ request: QMPRequest<Void>, on drive: RunningHardware.Drive, _ session: inout MonitorSession
    ) throws(MonitorSession.Failure) {
        let deadline = Deadline(in: RunningMachine.patience)
        while true {
            do throws(MonitorSession.Failure) { return try session.execute(request, by: deadline) } catch {
                guard case .qemu(.refused) = error, !deadline.hasPassed else { throw error }
                let now = try session.execute(.drives, by: deadline).first { $0.id == drive.id }
                guard now?.isOpen == false else { throw error }
                pause(.milliseconds(5))
                try session.execute(.openTray(of: drive.id, force: isForced), orIgnoreBy: deadline)
            }
        }
    }

    private func put(
        _ plan: PlugPlan, into drive: RunningHardware.Drive, _ running: inout RunningMachine, _ trust: FileTrust
    ) throws(VMError) {
        guard let medium = plan.medium else { return }
        try running.plug(plan, trust, in: request.context)
        let deadline = Deadline(in: RunningMachine.patience)
        do throws(VMError) {
            try vm.talk { session throws(MonitorSession.Failure) in
                try carryOut(.removeMedium(from: drive.id), on: drive, &session)
                do throws(MonitorSession.Failure) {
                    try carryOut(.insertMedium(medium, into: drive.id), on: drive, &session)
                } catch {
                    if let old = drive.medium {
                        try session.execute(.insertMedium(old, into: drive.id), orIgnoreBy: deadline)
                    }
                    try session.execute(.closeTray(of: drive.id), orIgnoreBy: deadline)
                    throw error
                }
                try session.execute(.closeTray(of: drive.id), by: deadline)
            }
        } catch {
            // The nodes that no drive has.
            try? running.update()
            throw error
        }
        try running.update()
    }
}

extension Machine {
    /// Puts an ISO into a CD drive: now, and for the next start.
    ///
    /// - Parameters:
    ///   - drive: `CDROMn`; nil: the only one.
    ///   - force: whether the tray is opened although the guest has locked it.
    package func insert(
        _ disc: FilePath, drive: KeyName?, force: Bool, _ request: ChangeRequest
    ) throws(VMError) -> DeviceChange {
        try CDMedium(self, drive: drive, force: force, request).insert(disc)
    }

    /// Takes the medium out of a CD drive.
    package func eject(drive: KeyName?, force: Bool, _ request: ChangeRequest) throws(VMError) -> DeviceChange {
        try CDMedium(self, drive: drive, force: force, request).eject()
    }
}
