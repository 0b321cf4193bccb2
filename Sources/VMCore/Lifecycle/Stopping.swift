import CLinux
import Glibc
import SystemPackage

/// Stops a VM, a rung at a time: ask the guest, then tell QEMU, then the kernel.
public struct Stopping {
    let vm: VMReference
    let paths: Paths
    /// How long the guest may take to shut itself down; zero: it is not asked.
    let timeout: Duration

    /// How a VM came to be stopped.
    public enum Rung: String, Sendable {
        /// There was nothing to stop.
        case alreadyStopped
        /// The guest shut itself down.
        case guest
        /// QEMU was told to quit, as if the power was cut; it has flushed its images.
        case quit
        /// QEMU did not obey and was killed.
        case killed
    }

    /// What the guest made of being asked.
    public enum Answer: Sendable {
        /// It was not asked.
        case notAsked
        /// It shut down.
        case shutDown
        /// It did not, in time.
        case tooSlow
        /// QEMU did not pass the question on.
        case noMonitor
    }

    /// How far it had to go.
    public struct Outcome: Sendable {
        /// The rung that was enough.
        public var rung: Rung
        /// What became of the first one.
        public var answer: Answer
    }

    /// Prepares to stop a VM.
    public init(_ vm: VMReference, timeout: Duration, paths: Paths) {
        self.vm = vm
        self.timeout = timeout
        self.paths = paths
    }

    private var directory: RuntimeDirectory { RuntimeDirectory(vm.name, in: paths) }

    /// The pause between two presses of the power button: a guest that is still booting loses them.
    private static let pressInterval = Duration.seconds(5)
    /// How long QEMU may take to answer.
    private static let monitorPatience = Duration.seconds(5)
    /// How long QEMU may take to quit: it flushes its images first.
    private static let quitPatience = Duration.seconds(10)

    /// Stops the VM, and says how far it had to go.
    ///
    /// - Throws: `.denied` if it is another user's; `.busy` if another command keeps talking to QEMU, so that the guest
    ///   can't be asked: nothing is ended then that was not asked.
    public func stop() throws(VMError) -> Outcome {
        let state = Observation(vm.name, in: paths).state
        guard state != .unknown else {
            throw VMError(
                .denied, vm.name.description, "belongs to another user", remedy: "run kvmctl as that user, or as root")
        }
        let nothing = Outcome(rung: .alreadyStopped, answer: .notAsked)
        guard state.isAlive, directory.isRunning(vm.file) else { return nothing }
        return try directory.operate { () throws(VMError) in
            let seen = timeout > .zero ? try directory.settle(paths) : Observation(vm.name, in: paths)
            guard seen.state.isAlive, let holder = seen.holder, let process = ProcessHandle(holder) else {
                return nothing
            }
            let answer = timeout > .zero ? try ask() : .notAsked
            return Outcome(rung: try end(process, answer), answer: answer)
        }
    }

    /// Presses the power button until the guest has shut down, or the time is over.
    private func ask() throws(VMError) -> Answer {
        let deadline = Deadline(in: timeout)
        do throws(VMError) {
            var session = try MonitorSession.open(directory, by: Deadline(in: Self.monitorPatience))
            try wake(&session, by: deadline)
            while !deadline.hasPassed {
                let answerTime = Deadline(in: Self.monitorPatience)
                _ = try session.execute(QMPCommand("system_powerdown"), by: answerTime)
                let press = Deadline(in: min(Self.pressInterval, deadline.remaining))
                if try session.waitForClose(by: press) { return .shutDown }
            }
            return .tooSlow
        } catch {
            switch error.code {
            case .timedOut: return .noMonitor
            // The guest was shutting down already, and QEMU closed the connection.
            case .unavailable: return .shutDown
            // A reason on our side, which says nothing of QEMU: no reason to end it.
            default: throw error
            }
        }
    }

    /// A machine that stands still does not see the button.
    private func wake(_ session: inout MonitorSession, by deadline: Deadline) throws(VMError) {
        switch try session.execute(QMPCommand("query-status"), by: deadline)["status"]?.string {
        case "paused": _ = try session.execute(QMPCommand("cont"), by: deadline)
        case "suspended": _ = try session.execute(QMPCommand("system_wakeup"), by: deadline)
        default: break
        }
    }

    /// The rungs below the guest: `quit`, SIGTERM (which QEMU takes as `quit`, also where its monitor is of no use),
    /// SIGKILL.
    private func end(_ process: borrowing ProcessHandle, _ answer: Answer) throws(VMError) -> Rung {
        if answer == .shutDown, process.waitForEnd(by: Deadline(in: Self.quitPatience)) { return .guest }
        if answer != .noMonitor, quit(), process.waitForEnd(by: Deadline(in: Self.quitPatience)) { return .quit }
        process.signal(SIGTERM)
        if process.waitForEnd(by: Deadline(in: Self.monitorPatience)) { return .quit }
        process.signal(SIGKILL)
        guard process.waitForEnd(by: Deadline(in: Self.quitPatience)) else {
            throw VMError(
                .timedOut, vm.name.description, "QEMU was sent SIGKILL and has not ended; it hangs in the kernel",
                remedy: "`cat /proc/\(directory.holder?.pid ?? 0)/wchan` says where, mostly a disk that does not answer"
            )
        }
        guard !Observation(vm.name, in: paths).state.isAlive else {
            throw VMError(
                .busy, vm.name.description, "the process that was ended is not the one that holds the VM's lock",
                remedy: "`lslocks` names the one that holds \(directory.lockFile)")
        }
        noteInRecord()
        return .killed
    }

    private func quit() -> Bool {
        guard var session = try? MonitorSession.open(directory, by: Deadline(in: Self.monitorPatience)) else {
            return false
        }
        // Where the reply is lost, QEMU has ended before it was sent.
        _ = try? session.execute(QMPCommand("quit"), by: Deadline(in: Self.monitorPatience))
        return true
    }

    /// A VM that was stopped on request has not crashed, and QEMU could not write that down.
    private func noteInRecord() {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let microseconds = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
        let record = try? OwnedDescriptor.open(paths.record(vm.name), .writeOnly, flags: O_APPEND | O_NOFOLLOW)
        guard let record else { return }
        try? writeAll(Array(FlightRecord.killed(at: microseconds).utf8), to: record.descriptor)
    }
}

extension MonitorSession {
    /// Waits until QEMU closes the connection; false where the deadline passed first.
    mutating func waitForClose(by deadline: Deadline) throws(VMError) -> Bool {
        let name = name
        do throws(QMPClient.Failure) { return try client.waitForClose(by: deadline) } catch {
            throw VMError(error, of: name)
        }
    }
}
