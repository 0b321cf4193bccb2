import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Stops a VM, a rung at a time: ask the guest, then tell QEMU, then the kernel.
package struct Stopping: Sendable {
    let vm: VMReference
    let paths: Paths
    /// How long the guest may take to shut itself down; zero: it is not asked.
    let timeout: Duration

    /// How a VM came to be stopped.
    package enum Rung: String, Sendable {
        /// There was nothing to stop.
        case alreadyStopped
        /// The guest shut itself down.
        case guest
        /// QEMU was told to quit, as if the power was cut; it has flushed its images.
        case quit
        /// QEMU did not obey and was killed.
        case killed
        /// QEMU ended without a word before it was told to.
        case crashed
    }

    /// What came of asking the guest.
    package enum Answer: Equatable, Sendable {
        /// It was not to be asked.
        case notAsked
        /// QEMU has ended, most likely as the guest shut down.
        case ended
        /// It did not shut down in time.
        case tooSlow
        /// It is past asking: QEMU's word for the machine's state.
        case pointless(runState: String)
        /// QEMU did not pass the question on, and why.
        case noMonitor(cause: String)

        /// Whether the monitor may still be of use.
        var leavesMonitor: Bool { if case .noMonitor = self { false } else { true } }
    }

    /// How far it had to go.
    package struct Outcome: Sendable {
        /// The rung that was enough.
        package var rung: Rung
        /// What became of the first one.
        package var answer: Answer
        /// What of the host's it held last and could not be removed; the next command tries again.
        package var leftBehind: [VMError] = []
    }

    /// Prepares to stop a VM.
    package init(_ vm: VMReference, timeout: Duration, paths: Paths) {
        self.vm = vm
        self.timeout = timeout
        self.paths = paths
    }

    /// How many descriptors a stop has open at most: QEMU's pidfd, turns, the monitor, what the sweep after it looks at.
    package static let descriptors = 10

    private var directory: RuntimeDirectory { RuntimeDirectory(vm.name, in: paths) }

    /// How long QEMU may take to answer, or to act on a signal.
    private static let monitorPatience = Duration.seconds(5)
    /// How long QEMU may take to quit: it flushes its images first.
    private static let quitPatience = Duration.seconds(10)

    /// The rungs that would be tried, in their order; empty: there is nothing to stop. Touches nothing.
    ///
    /// - Throws: `.denied` if it is another user's; why it can't be told whether it runs.
    package func rungs() throws(VMError) -> [Rung] {
        guard try isRunning() else { return [] }
        return (timeout > .zero ? [.guest] : []) + [.quit, .killed]
    }

    private func isRunning() throws(VMError) -> Bool {
        guard try observe().isAlive else {
            try refuseElsewhere()
            return false
        }
        return try directory.isRunning(vm.file)
    }

    private func observe(inTurn: Bool = false) -> Observation {
        var seen = Observation(vm.name, in: paths, inTurn: inTurn)
        seen.lookForStray(of: vm.name, holding: disks)
        return seen
    }

    /// Of a file that can't be read no disks are known.
    private func disks() -> [FilePath] { (try? VMFile.glance(at: vm.file))?.disks.map(\.path.value) ?? [] }

    /// That it does not run would be wrong of a VM that was started with another KVMCTL_RUN.
    private func refuseElsewhere() throws(VMError) {
        let other: (pid: Int32, record: FilePath)?
        do throws(Errno) { other = try StrayMachine.elsewhere(holding: disks, besides: paths) } catch {
            throw .system(error, vm.name.description, "who has its disks open can't be seen in /proc")
        }
        guard let (pid, record) = other else { return }
        throw VMError(
            .busy, vm.name.description,
            "does not run here, and QEMU, pid \(pid), has its disk open, with its flight record at \(record)",
            remedy: "stop it with the KVMCTL_RUN that it was started with")
    }

    /// Stops the VM, and says how far it had to go.
    ///
    /// The operation's turn is held to look, and to end QEMU; not while the guest takes its time, so that a stop with
    /// less patience can go ahead of this one, which then finds QEMU ended.
    ///
    /// - Throws: `.denied` if it is another user's; `.busy` if another command keeps talking to QEMU, so that the guest
    ///   can't be asked: nothing is ended then that was not asked.
    package func stop() throws(VMError) -> Outcome {
        var outcome = try stopQEMU()
        outcome.leftBehind = HostResource.sweep(paths, after: vm.name, patience: Self.quitPatience)
        return outcome
    }

    private func stopQEMU() throws(VMError) -> Outcome {
        guard try isRunning(), let process = try qemu() else {
            return Outcome(rung: .alreadyStopped, answer: .notAsked)
        }
        let answer = timeout > .zero ? try ask(process) : .notAsked
        if answer == .ended { return Outcome(rung: try howItEnded(), answer: answer) }
        return try operate { () throws(VMError) in
            Outcome(rung: try end(process, answer), answer: answer)
        }
    }

    private func ask(_ process: borrowing ProcessHandle) throws(VMError) -> Answer {
        let socket = directory.path.appending(RuntimeDirectory.Socket.monitor.rawValue)
        if (try? isThere(socket)) == false { return .noMonitor(cause: "somebody removed its run-time files") }
        return try PowerButton(directory).press(for: timeout, process)
    }

    /// In the operation's turn; a directory that can't even be made again is nobody's turn, and keeps nobody from ending a QEMU
    /// that ran on without it.
    private func operate<Result>(_ body: () throws(VMError) -> Result) throws(VMError) -> Result {
        if observe().isStray, (try? directory.openTurns()) == nil { return try body() }
        return try directory.operate(body)
    }

    /// The VM's QEMU, when a start in progress is through; nil where there is none.
    private func qemu() throws(VMError) -> ProcessHandle? {
        let seen = try operate { () throws(VMError) in
            let seen = observe(inTurn: true)
            return timeout > .zero && !seen.isStray ? try directory.settle(paths) : seen
        }
        guard try seen.isAlive, let holder = seen.holder else { return nil }
        if let process = try directory.process(holder) { return process }
        guard try observe().isAlive else { return nil }
        throw VMError(
            .busy, vm.name.description, "from here it can't be told which process its QEMU is",
            remedy: "run kvmctl where it was started, not in a container of its own; /proc has to be mounted")
    }

    /// The rungs below the guest: `quit`, SIGTERM (which QEMU takes as `quit`, also where its monitor is of no use),
    /// SIGKILL.
    private func end(_ process: borrowing ProcessHandle, _ answer: Answer) throws(VMError) -> Rung {
        // Whoever had the turn before may have been here already, and the name's QEMU may be another one by now.
        if process.waitForEnd(by: Deadline(in: .zero)) { return try howItEnded() }
        if answer.leavesMonitor, quit(), process.waitForEnd(by: Deadline(in: Self.quitPatience)) { return .quit }
        process.signal(SIGTERM)
        if process.waitForEnd(by: Deadline(in: Self.monitorPatience)) { return .quit }
        // Before its end, so that nobody who waits for that takes it for a crash.
        noteInRecord()
        process.signal(SIGKILL)
        guard process.waitForEnd(by: Deadline(in: Self.quitPatience)) else {
            throw VMError(
                .timedOut, vm.name.description, "QEMU was sent SIGKILL and has not ended; it hangs in the kernel",
                remedy: "/proc/\(process.pid)/wchan says where, mostly a disk that does not answer")
        }
        return .killed
    }

    /// Tells QEMU over its monitor. False where it was not told, for whatever reason: SIGTERM says the same.
    private func quit() -> Bool {
        let deadline = Deadline(in: Self.monitorPatience)
        do throws(MonitorSession.Failure) {
            var session = try MonitorSession.open(directory, by: deadline)
            try session.execute(QMPCommand("quit"), by: deadline)
            return true
        } catch .qemu(.closed) {
            return true  // it has ended before its reply was sent
        } catch {
            return false
        }
    }

    /// How QEMU ended, which this command did not tell to: in its own word.
    private func howItEnded() throws(VMError) -> Rung {
        let seen = Observation(vm.name, in: paths)
        if seen.state == .unknown, let obstacle = seen.obstacle { throw obstacle }
        return switch seen.endReason {
        case "host-qmp-quit", "host-signal": .quit
        case FlightRecord.killedReason: .killed
        default: seen.state == .crashed ? .crashed : .guest
        }
    }

    /// A VM that was stopped on request has not crashed, and QEMU can't write that down.
    private func noteInRecord() {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let microseconds = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
        let path = paths.record(vm.name)
        guard !RemoteMounts.isSilent(path),
            let record = try? OwnedDescriptor.open(path, .writeOnly, flags: O_APPEND | O_NOFOLLOW)
        else { return }
        try? writeAll(Array(FlightRecord.killed(at: microseconds).utf8), to: record.descriptor)
    }
}
