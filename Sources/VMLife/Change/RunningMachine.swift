import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// A VM as it runs, for a command that changes its devices. What it has is asked of QEMU: the manifest may be older than
/// the last change, if kvmctl was killed meanwhile.
struct RunningMachine {
    private let vm: Machine
    /// What it has.
    private(set) var hardware: RunningHardware
    /// How other commands see it.
    private var manifest: Manifest

    /// Its network cards.
    var nics: [VMDescription.NIC] { manifest.vm.nics }

    /// How long QEMU may take for all that is asked of it at a time.
    static let patience = Duration.seconds(10)

    /// Looks at the VM; nil if the machine is not to be changed. To be called within `operate`.
    ///
    /// What an earlier change left, which was killed, is removed, and the manifest tells what runs.
    ///
    /// - Throws: `.busy` if only the machine is to be changed and the VM does not run.
    init?(_ vm: Machine, _ request: ChangeRequest) throws(VMError) {
        guard request.scope.includesMachine else { return nil }
        let seen = request.isDryRun ? vm.observe() : try vm.settle()
        guard try seen.isAlive, try vm.runsFromFile else {
            if request.scope == .machine { throw vm.notRunning(so: "there is no machine to change") }
            return nil
        }
        if seen.isStray { throw .withoutRuntimeFiles(vm.name, "its devices can't be changed") }
        try vm.refuseAdopted("its devices can't be changed while it runs")
        manifest = try vm.runningManifest(or: "there is no machine to change", telling: "its devices are")
        self.vm = vm
        hardware = try vm.hardware(tidying: !request.isDryRun)
        if !request.isDryRun { try describe() }
    }

    /// Looks again, after a change, and tells other commands.
    mutating func update() throws(VMError) {
        hardware = try vm.hardware(tidying: true)
        try describe()
    }

    private mutating func describe() throws(VMError) {
        var new = manifest
        new.vm.nics.removeAll { !hardware.devices.contains("nic\($0.index)") }
        // What is plugged was noted before. Nothing is added on QEMU's word, which a guest may have taken over: other VMs
        // could not use what it names.
        if let media = hardware.media { new.vm.media.removeAll { !media.contains($0) } }
        try write(new)
    }

    private mutating func write(_ new: Manifest) throws(VMError) {
        guard new != manifest else { return }
        try new.write(to: vm.directory)
        manifest = new
    }

    /// Plugs a device, or the nodes of a medium. On failure the machine is as it was.
    ///
    /// Others see it in the manifest from before it is there, so that no VM takes its address or its image meanwhile.
    mutating func plug(_ plan: PlugPlan, _ trust: FileTrust, in context: PlanningContext) throws(VMError) {
        let before = manifest
        var new: [NewFile] = []
        do throws(VMError) {
            for disk in plan.launch.newDisks {
                new.append(try SparseDisk(path: disk.path, size: disk.size, format: disk.format).create(trust))
            }
            manifest.vm.nics += plan.launch.vm.nics
            manifest.vm.nics.sort { $0.index < $1.index }
            for path in plan.launch.vm.media where !manifest.vm.media.contains(path) { manifest.vm.media.append(path) }
            try context.addresses.claim(plan.launch, manifest, for: vm)
            let table = try DescriptorTable(
                plan.launch, of: vm, life: nil, trust: trust, foreground: false, stopwatch: Stopwatch())
            manifest.add(table.ports, nat: table.nat)
            try manifest.write(to: vm.directory)
            try vm.talk { session throws(MonitorSession.Failure) in
                try session.carryOut(plan, lending: table, by: Deadline(in: Self.patience))
            }
        } catch {
            // QEMU may yet do it: then it has the image, and others have to see that.
            if error.code == .timedOut { throw error }
            manifest = before
            new.forEach { $0.remove() }
            try? before.write(to: vm.directory)
            throw error
        }
    }
}

extension Manifest {
    fileprivate mutating func add(_ ports: [HeldPort], nat: NATMember?) {
        for port in ports {
            guard let position = vm.nics.firstIndex(where: { $0.index == port.nic }) else { continue }
            vm.nics[position].tap = port.name.description
            let station = nat?.stations.first { $0.nic == port.nic }
            vm.nics[position].address = station?.address?.description
        }
    }
}

extension Machine {
    /// What the running machine has.
    ///
    /// - Parameter isTidying: whether what a killed command left is removed first.
    fileprivate func hardware(tidying isTidying: Bool) throws(VMError) -> RunningHardware {
        try talk { session throws(MonitorSession.Failure) in
            let deadline = Deadline(in: RunningMachine.patience)
            let found = try session.hardware(by: deadline)
            let leftovers = isTidying ? found.leftovers : []
            guard !leftovers.isEmpty else { return found }
            for request in leftovers { try session.execute(request, orIgnoreBy: deadline) }
            return try session.hardware(by: deadline)
        }
    }

    /// A session on its monitor, whose failure is one of the VM.
    func talk<Result>(
        _ body: (inout MonitorSession) throws(MonitorSession.Failure) -> Result
    ) throws(VMError) -> Result {
        do throws(MonitorSession.Failure) {
            var session = try monitor(by: Deadline(in: RunningMachine.patience))
            return try body(&session)
        } catch { throw error.error(of: name) }
    }
}

extension MonitorSession {
    /// What the machine has.
    mutating func hardware(by deadline: Deadline) throws(Failure) -> RunningHardware {
        RunningHardware(
            devices: try execute(.deviceIDs, by: deadline), objects: try execute(.objectIDs, by: deadline),
            nodes: try execute(.blockNodes, by: deadline), drives: try execute(.drives, by: deadline),
            sets: try execute(.descriptorSets, by: deadline), bridges: try execute(.devicesBehindBridges, by: deadline))
    }

    /// Plugs something; rolls back what was done if QEMU refuses a step.
    fileprivate mutating func carryOut(
        _ plan: PlugPlan, lending table: borrowing DescriptorTable, by deadline: Deadline
    ) throws(Failure) {
        for (done, step) in plan.plug.steps.enumerated() {
            do throws(Failure) {
                let passed = step.descriptor.flatMap { table.descriptor(of: $0, in: plan.launch) }
                try execute(QMPRequest(step.command), passing: passed, by: deadline)
            } catch {
                let limit = Deadline(in: RunningMachine.patience)
                for undo in plan.plug.rollback(of: done) { try execute(QMPRequest(undo.command), orIgnoreBy: limit) }
                throw error
            }
        }
    }

    /// The same, where it does not matter if QEMU refuses: what should be removed is gone, or the next change removes it.
    mutating func execute(_ request: QMPRequest<Void>, orIgnoreBy deadline: Deadline) throws(Failure) {
        do throws(Failure) { try execute(request, by: deadline) } catch .qemu(.refused) { return }
    }
}
