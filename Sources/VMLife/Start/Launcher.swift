import BridgeKernel
import BridgeNet
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Carries out a launch plan: from the VM's lock to a running guest. On any failure it is rolled back in reverse order,
/// most of it by the kernel as the descriptors close.
struct Launcher {
    let plan: LaunchPlan
    let vm: Machine
    /// Whose files may be used.
    let trust: FileTrust
    let foreground: Bool
    /// Whether QEMU ends with this process.
    var tie = StarterTie.none
    /// Called once QEMU has been executed, whose sockets can be connected to from then on; with what it is tied by.
    var whenSpawned: (consuming EndGuard?) -> Void = { _ in }
    /// How long QEMU may take to create the machine and run it.
    let timeout: Duration
    let stopwatch: Stopwatch

    private var paths: Paths { vm.paths }

    /// - Parameters:
    ///   - life: the VM's lock, for QEMU.
    ///   - signature: the file in which the process identifies itself just before it becomes QEMU, which does not
    ///     inherit it.
    /// - Returns: the running VM's manifest.
    func launch(
        _ life: consuming OwnedDescriptor, _ signature: consuming OwnedDescriptor
    ) throws(VMError) -> Manifest {
        var newDisks: [NewFile] = []
        var logs: [FilePath] = []
        var mayHaveRun = false
        do throws(VMError) {
            for disk in plan.newDisks {
                newDisks.append(try SparseDisk(path: disk.path, size: disk.size).create(trust))
            }
            stopwatch.lap(.disks)
            logs = try RunLog.setAside(vm)
            let begun = Moment.now
            noteCommandLine()
            if plan.vm.vnc?.hasPassword != true { ScreenPassword(vm.directory).forget() }
            let table = try DescriptorTable(
                plan, of: vm, life: life, trust: trust, foreground: foreground, stopwatch: stopwatch)
            var manifest = Manifest(plan, foreground: foreground)
            manifest.setNetwork(table.ports, nat: table.nat)
            try manifest.write(to: vm.directory)
            try vm.directory.keep(plan.guestMachine)
            var launch = Launch(
                path: plan.executable, arguments: plan.argumentVector,
                credentials: plan.credentials.resolved(uid: table.uid))
            launch.identity = signature.descriptor
            launch.cpus = plan.cpus
            launch.diesWithParent = tie == .always
            launch.keepsLimits = foreground && ServiceManager.startedThisProcess
            table.pass(to: &launch)
            // From here on the flight record is this run's, and says whether the state was used.
            if plan.usesUpSavedState { try StateFiles(of: vm).beginUse(trust) }
            stopwatch.lap(.descriptors)
            if foreground {
                try promiseReadiness()
                vm.note(.start, origin, at: begun)
                throw become(launch, newDisks, logs)
            }
            let deadline = Deadline(in: patience)
            var end: EndGuard?
            let child = try spawn(launch, closing: table, by: deadline, guardedBy: &end)
            extendLifetime(signature)
            try run(child, guardedBy: end.take(), &manifest, by: deadline, committing: &mayHaveRun)
            vm.note(.start, origin, at: begun)
            // If that fails, the next command sees by the record that the state was used.
            if plan.usesUpSavedState { try? StateFiles(of: vm).remove(trust) }
            return manifest
        } catch {
            // What the guest may have written, and the record of how this run ended, must not be rolled back.
            if mayHaveRun { throw error }
            undo(newDisks, logs)
            throw error
        }
    }

    /// Where the guest goes on, for the history.
    private var origin: [String: JSON] {
        [
            "resumed": .bool(plan.usesUpSavedState),
            "warm": .bool(plan.savedMemory != nil && !plan.usesUpSavedState),
        ]
    }

    /// Keeps QEMU's command line, for a record of its crash. Nothing else depends on it.
    private func noteCommandLine() {
        let line = ShellCommand(words: [plan.executable] + plan.argumentVector)
        try? replaceFile(
            paths.arguments(plan.name), with: Array("\(line)\n".utf8), permissions: 0o640, group: Accounts.lookers)
    }

    /// How long QEMU may take in all: loading a saved state takes the longer, the larger it is.
    private var patience: Duration { timeout + .seconds(plan.savedSize.bytes / (16 << 20)) }

    /// Rolls back. May be called twice.
    private func undo(_ newDisks: [NewFile], _ logs: [FilePath]) {
        // Before the previous run's record is back, which says that the guest ran.
        if plan.usesUpSavedState { try? StateFiles(of: vm).giveBack(trust) }
        newDisks.forEach { $0.remove() }
        // The previous run's record and console log are the current ones again. QEMU's messages about this start stay.
        logs.filter { $0 != paths.qemuLog(plan.name) }.forEach(RunLog.bringBack)
    }

    /// Arranges for the service manager to be told when the VM runs. QEMU does not tell it, but records that it runs.
    private func promiseReadiness() throws(VMError) {
        let result: CInt
        do throws(Errno) {
            let record = try OwnedDescriptor.regular(paths.record(plan.name), .readOnly)
            result = clinux_tell_service_ready(record.rawValue, FlightRecord.runs)
            extendLifetime(record)
        } catch {
            throw .system(error, paths.record(plan.name).string, "can't be read")
        }
        guard result < 0 else { return }
        throw .system(
            Errno(rawValue: -result), "NOTIFY_SOCKET", "the service manager can't be told that the VM is ready",
            remedy: "\(command: "env -u NOTIFY_SOCKET") starts it without a service manager")
    }

    /// Returns only if this process can't become QEMU.
    private func become(_ launch: Launch, _ newDisks: [NewFile], _ logs: [FilePath]) -> VMError {
        error(launch.become { undo(newDisks, logs) })
    }

    /// Forks and executes. This closes our copies of the descriptors. QEMU must be the only one with the listening
    /// socket: if it died before accepting the monitor's connection, we would wait for a reply that never comes.
    private func spawn(
        _ launch: Launch, closing table: consuming DescriptorTable, by deadline: Deadline,
        guardedBy end: inout EndGuard?
    ) throws(VMError) -> Child {
        do throws(Launch.Failure) {
            guard tie == .untilCalledOff else { return try launch.spawn(by: deadline) }
            return try launch.spawn(by: deadline, guardedBy: &end)
        } catch { throw self.error(error) }
    }

    /// From exec to the running machine. `mayHaveRun` is set from the moment that the start can't be called off any
    /// more.
    private func run(
        _ child: Child, guardedBy end: consuming EndGuard?, _ manifest: inout Manifest, by deadline: Deadline,
        committing mayHaveRun: inout Bool
    ) throws(VMError) {
        var stage = FailedStart.Stage.making
        do throws(MonitorSession.Failure) {
            stopwatch.lap(.spawn)
            let process = try hold(child)
            whenSpawned(end)
            var session = try vm.monitor(peer: process.descriptor, by: deadline)
            stopwatch.lap(.qemu)
            if let vnc = plan.vm.vnc, vnc.port == nil {
                stage = .describing
                manifest.vm.vnc?.port = try session.execute(.vncServer, by: deadline)?.port
                // Without it `list` does not know the port, which is no reason to kill a machine that is ready.
                try? manifest.write(to: vm.directory)
            }
            if plan.savedMemory != nil {
                stage = .loading
                while try session.execute(.status, by: deadline).isLoading { pause(.milliseconds(2)) }
            }
            stage = .running
            mayHaveRun = true
            do throws(MonitorSession.Failure) { try commit(session, by: deadline) } catch .ours {
                // Not QEMU's failure, and it may or may not have got the command: sending it twice does no harm.
                let again = try vm.monitor(peer: process.descriptor, by: deadline)
                try commit(again, by: deadline)
            }
            extendLifetime(process)
            stopwatch.lap(.commit)
        } catch {
            throw FailedStart(plan: plan, vm: vm, timeout: patience).error(child, in: stage, error)
        }
    }

    private func commit(
        _ session: consuming MonitorSession, by deadline: Deadline
    ) throws(MonitorSession.Failure) {
        var session = session
        for command in plan.commit { try session.execute(QMPRequest(command), by: deadline) }
    }

    /// A handle on QEMU, so that its end is noticed even if another process keeps the other end of its monitor open.
    private func hold(_ child: Child) throws(MonitorSession.Failure) -> ProcessHandle {
        do throws(Errno) { return try ProcessHandle.hold(child) } catch {
            throw .ours(.system(error, plan.executable, "can't be watched"))
        }
    }

    private func error(_ failure: Launch.Failure) -> VMError {
        guard failure.errno != .timedOut else {
            return VMError(
                .timedOut, plan.executable, "was not executed in \(timeout.components.seconds) s",
                remedy: "\(command: "ls -l \(plan.executable)") says whether the file system that holds it hangs")
        }
        return failure.error(of: plan.executable)
    }
}

extension Manifest {
    mutating func setNetwork(_ ports: [HeldPort], nat: NATMember?) {
        for position in vm.nics.indices {
            let index = vm.nics[position].index
            vm.nics[position].tap = ports.first { $0.nic == index }?.name.description
            vm.nics[position].address = nat?.stations.first { $0.nic == index }?.address?.description
        }
    }
}
