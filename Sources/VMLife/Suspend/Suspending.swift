import Glibc
import SystemPackage
import VMCore
import VMHost

/// Suspends a VM: saves its memory and the state of its devices to a file beside its params file, and ends its QEMU. The
/// next start goes on from there. If anything fails, the guest goes on as before.
package struct Suspending: Sendable {
    let vm: Machine
    let files: StateFiles

    /// What there is to do.
    package enum Task: Equatable, Sendable {
        /// Nothing: it is suspended.
        case alreadySuspended
        /// Its memory is written to this file, which becomes at most so large.
        case save(to: FilePath, atMost: ByteCount)
    }

    /// The result of a suspend.
    package struct Outcome: Sendable {
        /// The file with its memory.
        package var memory: FilePath
        /// The size of that; nil: the VM was suspended already.
        package var size: ByteCount?
        /// Why host resources that only this VM held could not be removed; the next command retries.
        package var leftBehind: [VMError] = []
    }

    init(_ vm: Machine) {
        self.vm = vm
        files = StateFiles(of: vm)
    }

    /// The most descriptors that a suspend has open: QEMU's pidfd, locks files, the record and its watch, the state, the
    /// monitor, and those of the sweep after it.
    package static let descriptors = 14

    /// How long QEMU may take to answer.
    static let monitorPatience = Duration.seconds(10)
    /// How long QEMU may take to quit.
    private static let quitPatience = Duration.seconds(10)

    /// What would be done. Touches nothing.
    ///
    /// - Throws: why the VM can't be suspended.
    package func task() throws(VMError) -> Task {
        let seen = vm.observe()
        guard try seen.isAlive, try vm.runsFromFile else { return try ofStopped() }
        return .save(to: files.memory, atMost: try SuspendCheck(vm, files, seen).pass().size)
    }

    /// A VM that does not run is suspended already, or can't be.
    private func ofStopped() throws(VMError) -> Task {
        guard try vm.isSuspended() else { throw vm.notRunning(so: "there is nothing to suspend") }
        return .alreadySuspended
    }

    /// Suspends the VM. The operation lock is held meanwhile, as QEMU is being changed all the time.
    package func suspend() throws(VMError) -> Outcome {
        var outcome = Outcome(memory: files.memory)
        outcome.size = try vm.operate { () throws(VMError) in
            let seen = try vm.settle()
            if try vm.completeSuspend(seen) { return nil }
            guard try seen.isAlive, try vm.runsFromFile else {
                _ = try ofStopped()
                return nil
            }
            // What an earlier run left counts no longer.
            try vm.forgetSavedState()
            let machine = try SuspendCheck(vm, files, seen).pass().machine
            let stage = vm.consoleStage
            let size = try StateWriter(vm, files).write(machine)
            vm.note(.suspend, stage.map { ["stage": .string($0.rawValue)] } ?? [:])
            try vm.endSaved()
            return size
        }
        outcome.leftBehind = HostResource.sweep(vm.paths, after: vm.name, patience: Self.quitPatience)
        return outcome
    }
}

extension Machine {
    /// Why the next start of a suspended VM will not go on, as its file is now; nil: it will.
    package func obstacleToGoOn(in context: PlanningContext) -> VMError? {
        do throws(VMError) {
            _ = try starting(in: context).plan(to: .check(isRunning: false))
            return nil
        } catch { return error }
    }

    /// Refuses to restart a VM that is suspended: the start would go on, which is no restart, or lose what it had in memory.
    package func refuseRestartingSuspended() throws(VMError) {
        guard try isSuspended() else { return }
        throw VMError(
            .busy, name.description, "it is suspended, to a file, and a restart would lose what it had in memory",
            remedy: .orDiscard("start it, which goes on, and restart it then"))
    }

    /// A suspend of it. Nothing is done yet.
    package func suspending() throws(VMError) -> Suspending {
        try refuseEphemeral()
        guard !file.isEmpty else { throw .withoutRuntimeFiles(name, "it can't be suspended") }
        if try observe().isAlive { try refuseAdopted("it can't be suspended") }
        return Suspending(self)
    }

    /// Completes a suspend that was killed when the state was complete: ends QEMU. False if there is none. To be called
    /// within `operate`.
    func completeSuspend(_ seen: Observation) throws(VMError) -> Bool {
        guard seen.state == .paused, try hasMark() else { return false }
        guard try ask(.status, by: Deadline(in: Suspending.monitorPatience)).isSaved else {
            // It ran on after it was saved.
            try forgetSavedState()
            return false
        }
        try endSaved()
        return true
    }

    private func hasMark() throws(VMError) -> Bool {
        let mark = StateFiles(of: self).mark
        do throws(Errno) { return file.isEmpty ? false : try isThere(mark) } catch {
            throw .system(error, mark.string, "can't tell whether the VM is suspended")
        }
    }

    /// Ends the QEMU of a machine whose state is saved.
    fileprivate func endSaved() throws(VMError) {
        guard let holder = observe(holdingOperation: true).holder, let process = try process(holder) else { return }
        do throws(MonitorSession.Failure) {
            let deadline = Deadline(in: Suspending.monitorPatience)
            var session = try monitor(peer: process.descriptor, by: deadline)
            try session.execute(.quit, by: deadline)
        } catch .qemu(.closed) {
        } catch {
            // It does the same, even if the monitor is of no use.
            process.signal(SIGTERM)
        }
        guard process.waitForEnd(by: Deadline(in: .seconds(20))) else {
            throw VMError(
                .timedOut, name.description, "its state is saved, but its QEMU, pid \(process.pid), does not end",
                remedy: "suspend it again, which only ends QEMU")
        }
    }
}
