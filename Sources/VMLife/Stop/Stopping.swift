import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Stops a VM, step by step: asks the guest, then tells QEMU to quit, then has the kernel kill it.
package struct Stopping: Sendable {
    let vm: Machine
    /// How long the guest may take to shut itself down; zero: it is not asked.
    let timeout: Duration

    /// How a VM came to be stopped.
    package enum Step: String, Sendable {
        /// There was nothing to stop.
        case alreadyStopped
        /// Likewise: it is suspended.
        case suspended
        /// The guest shut itself down.
        case guest
        /// QEMU was told to quit, as if the power were cut; it has flushed its images.
        case quit
        /// QEMU did not obey and was killed.
        case killed
        /// The guest panicked before it had shut down.
        case panicked
        /// QEMU ended before it was told to, and did not record why.
        case crashed
    }

    /// The result of asking the guest.
    package enum Answer: Equatable, Sendable {
        /// It was not to be asked.
        case notAsked
        /// QEMU has ended, most likely as the guest shut down.
        case ended
        /// It did not shut down in time.
        case tooSlow
        /// It has panicked, by its console and as all its processors stand still, and was not asked.
        case panicked
        /// The machine is in a state in which asking is pointless.
        case pointless(RunState)
        /// QEMU could not be told to ask it.
        case noMonitor(MonitorObstacle)

        /// Whether the monitor may still be of use.
        var leavesMonitor: Bool { if case .noMonitor = self { false } else { true } }
    }

    /// Why QEMU could not be told to ask the guest.
    package enum MonitorObstacle: Equatable, Sendable {
        /// Somebody removed the socket.
        case filesRemoved
        /// QEMU did not take the command.
        case qemu(QMPClient.Failure)
    }

    /// The result of a stop.
    package struct Outcome: Sendable {
        /// The step that ended QEMU.
        package var step: Step
        /// The result of the first step.
        package var answer: Answer
        /// Why the guest did not shut down by itself, as far as its console tells.
        package var cause: Diagnosis?
        /// Why host resources that only this VM held could not be removed; the next command retries.
        package var leftBehind: [VMError] = []
    }

    init(_ vm: Machine, timeout: Duration) {
        self.vm = vm
        self.timeout = timeout
    }

    /// The most descriptors that a stop has open: QEMU's pidfd, locks files, the monitor, and those of the sweep after
    /// it.
    package static let descriptors = 10

    /// How long QEMU may take to answer, or to act on a signal.
    private static let monitorPatience = Duration.seconds(5)
    /// How long QEMU may take to quit: it flushes its images first.
    private static let quitPatience = Duration.seconds(10)

    /// The steps that would be tried, in order; empty: there is nothing to stop. Touches nothing.
    ///
    /// - Throws: `.denied` if it is another user's; why it can't be told whether it runs.
    package func steps() throws(VMError) -> [Step] {
        guard try isRunning() else { return [] }
        return (timeout > .zero ? [.guest] : []) + [.quit, .killed]
    }

    private func isRunning() throws(VMError) -> Bool {
        guard try observe().isAlive else {
            try refuseElsewhere()
            return false
        }
        return try vm.runsFromFile
    }

    private func observe(holdingOperation: Bool = false) -> Observation {
        var seen = vm.observe(holdingOperation: holdingOperation)
        seen.lookForStray(of: vm.name, holding: vm.disks)
        return seen
    }

    /// Refuses a VM that was started with another KVMCTL_RUN: saying that it is not running would be wrong.
    private func refuseElsewhere() throws(VMError) {
        let other: (pid: Int32, record: FilePath)?
        do throws(Errno) { other = try OrphanedQEMU.elsewhere(holding: vm.disks, besides: vm.paths) } catch {
            throw .system(error, vm.name.description, "can't tell from /proc which processes have its disks open")
        }
        guard let (pid, record) = other else { return }
        throw VMError(
            .busy, vm.name.description,
            "is not running here, but QEMU, pid \(pid), has its disk open, with its flight record at \(record)",
            remedy: "stop it with the KVMCTL_RUN that it was started with")
    }

    /// Stops the VM, and returns how.
    ///
    /// The operation lock is held to observe the VM and to end QEMU, but not while the guest shuts down: a stop with a
    /// shorter timeout can overtake this one, which then finds QEMU ended.
    ///
    /// - Throws: `.denied` if it is another user's; `.busy` if another command keeps talking to QEMU, so that the guest
    ///   can't be asked: a VM whose guest was not asked is not killed then.
    package func stop() throws(VMError) -> Outcome {
        var outcome = try stopQEMU()
        if outcome.isGuestsFault { outcome.cause = vm.lastWords }
        do throws(VMError) { try vm.forgetUsedState() } catch { outcome.leftBehind.append(error) }
        outcome.leftBehind = HostResource.sweep(vm.paths, after: vm.name, patience: Self.quitPatience)
        return outcome
    }

    private func stopQEMU() throws(VMError) -> Outcome {
        guard try isRunning(), let process = try qemu() else {
            return Outcome(step: try vm.isSuspended() ? .suspended : .alreadyStopped, answer: .notAsked)
        }
        vm.note(.stop, ["now": .bool(timeout == .zero)])
        let answer = timeout > .zero ? try ask(process) : .notAsked
        if answer == .ended { return Outcome(step: try howItEnded(), answer: answer) }
        return try operate { () throws(VMError) in
            Outcome(step: try end(process, answer), answer: answer)
        }
    }

    private func ask(_ process: borrowing ProcessHandle) throws(VMError) -> Answer {
        let socket = vm.directory.path.appending(RuntimeDirectory.Socket.monitor.rawValue)
        if (try? isThere(socket)) == false, !vm.directory.isAdopted { return .noMonitor(.filesRemoved) }
        if hasPanicked { return .panicked }
        return try PowerButton(vm).press(for: timeout, process)
    }

    /// Whether the guest's kernel has panicked without telling QEMU, and its processors stand still. Its console alone does
    /// not count: others can write there, and a guest that runs would lose what it has not saved.
    private var hasPanicked: Bool {
        guard vm.lastWords?.symptom.isPanic == true else { return false }
        do throws(VMError) {
            let seen = try vm.look()
            return seen.state == .running && seen.isSeenToHavePanicked
        } catch {
            // Then it is asked.
            return false
        }
    }

    /// Runs `body` with the operation lock held. If a stray VM's directory can't even be created again, no command can
    /// hold the lock, and `body` runs without it.
    private func operate<Result>(_ body: () throws(VMError) -> Result) throws(VMError) -> Result {
        if observe().isStray, (try? vm.directory.openLocks()) == nil { return try body() }
        return try vm.operate(body)
    }

    /// The VM's QEMU, after a start in progress has finished; nil if there is none.
    private func qemu() throws(VMError) -> ProcessHandle? {
        let seen = try operate { () throws(VMError) in
            let seen = observe(holdingOperation: true)
            guard timeout > .zero, !seen.isStray else { return seen }
            let settled = try vm.settle()
            // A suspend that was killed may have saved it: its guest is not to run on.
            return try vm.completeSuspend(settled) ? vm.observe(holdingOperation: true) : settled
        }
        guard try seen.isAlive, let holder = seen.holder else { return nil }
        if let process = try vm.process(holder) { return process }
        guard try observe().isAlive else { return nil }
        throw VMError(
            .busy, vm.name.description, "can't tell from here which process its QEMU is",
            remedy: "run kvmctl where it was started, not in a separate container; /proc has to be mounted")
    }

    /// The steps after asking the guest: `quit`, SIGTERM (which QEMU treats as `quit`, even if its monitor is of no
    /// use), SIGKILL.
    private func end(_ process: borrowing ProcessHandle, _ answer: Answer) throws(VMError) -> Step {
        // The previous holder of the lock may have ended it already, and the name may have a new QEMU by now.
        if process.waitForEnd(by: Deadline(in: .zero)) { return try howItEnded() }
        if answer.leavesMonitor, quit(), process.waitForEnd(by: Deadline(in: Self.quitPatience)) { return .quit }
        process.signal(SIGTERM)
        if process.waitForEnd(by: Deadline(in: Self.monitorPatience)) { return .quit }
        // Recorded before the kill, so that a command that waits for the end does not take it for a crash.
        noteInRecord()
        process.signal(SIGKILL)
        guard process.waitForEnd(by: Deadline(in: Self.quitPatience)) else {
            throw VMError(
                .timedOut, vm.name.description, "QEMU was sent SIGKILL and has not ended; it hangs in the kernel",
                remedy: "/proc/\(process.pid)/wchan says where: usually a disk does not respond")
        }
        return .killed
    }

    /// Tells QEMU to quit, over its monitor. False if that failed for any reason: SIGTERM does the same.
    private func quit() -> Bool {
        let deadline = Deadline(in: Self.monitorPatience)
        do throws(MonitorSession.Failure) {
            var session = try vm.monitor(by: deadline)
            try session.execute(.quit, by: deadline)
            return true
        } catch .qemu(.closed) {
            return true  // it ended before it sent its reply
        } catch {
            return false
        }
    }

    /// How QEMU ended, by its own record, if not by this command.
    private func howItEnded() throws(VMError) -> Step {
        let seen = vm.observe()
        if seen.state == .unknown, let obstacle = seen.obstacle { throw obstacle }
        return switch seen.endReason.map(ShutdownCause.init) {
        case .quit: .quit
        case .killed: .killed
        case .panic: .panicked
        case .other: .guest
        // It was killed, or could not record its end. An adopted one records nothing.
        case nil: seen.state == .stopped && vm.directory.isAdopted ? .guest : .crashed
        }
    }

    /// Records the kill: a VM that was stopped on request has not crashed, and a killed QEMU can't record that.
    private func noteInRecord() {
        let path = vm.paths.record(vm.name)
        guard !RemoteMounts.isSilent(path),
            let record = try? OwnedDescriptor.open(path, .writeOnly, flags: O_APPEND | O_NOFOLLOW)
        else { return }
        try? writeAll(Array(FlightRecord.killed(at: Moment.now.microseconds).utf8), to: record.descriptor)
    }
}

extension Stopping.MonitorObstacle: CustomStringConvertible {
    /// In one clause.
    package var description: String {
        switch self {
        case .filesRemoved: "somebody removed its run-time files"
        case .qemu(let failure): failure.cause
        }
    }
}

extension Stopping.Outcome {
    /// Whether the guest was asked, or ended by itself, and did not shut down in order.
    fileprivate var isGuestsFault: Bool {
        switch answer {
        case .tooSlow, .pointless, .panicked: true
        case .notAsked, .ended, .noMonitor: step == .panicked
        }
    }
}
