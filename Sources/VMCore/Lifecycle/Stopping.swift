import Glibc
import SystemPackage

/// Stops a VM, a rung at a time: ask the guest, then tell QEMU, then the kernel.
public struct Stopping: Sendable {
    let name: VMName
    let paths: Paths
    /// How long the guest may take to shut itself down; zero: it is not asked.
    let timeout: Duration

    /// How a VM came to be stopped.
    public enum Rung: String, Sendable {
        /// There was nothing to stop.
        case alreadyStopped
        /// The guest shut itself down.
        case guest
        /// QEMU was told to quit, as if the power was cut; images are consistent.
        case quit
        /// QEMU did not obey and was killed.
        case killed
    }

    /// Prepares to stop a VM.
    public init(_ name: VMName, timeout: Duration, paths: Paths) {
        self.name = name
        self.timeout = timeout
        self.paths = paths
    }

    private var directory: RuntimeDirectory { RuntimeDirectory(name, in: paths) }

    /// The pause between two presses of the power button: a guest that is still booting loses them.
    private static let pressInterval = Duration.seconds(5)
    /// How long QEMU may take to quit: it flushes its images first.
    private static let quitPatience = Duration.seconds(10)

    /// Stops the VM, and says how far it had to go.
    public func stop() throws(VMError) -> Rung {
        let state = Observation(name, in: paths).state
        guard state != .unknown else {
            throw VMError(
                .denied, name.description, "belongs to another user", remedy: "run kvmctl as that user, or as root")
        }
        guard state.isAlive else { return .alreadyStopped }
        return try directory.operate { () throws(VMError) in
            try directory.removeLeftover(paths)
            let seen = Observation(name, in: paths)
            guard seen.state.isAlive, let holder = seen.holder, let process = ProcessHandle(holder) else {
                return .alreadyStopped
            }
            if let rung = try? askAndTell(process) { return rung }
            return try kill(process)
        }
    }

    /// The two rungs that need QEMU's monitor; nil where QEMU did not end.
    private func askAndTell(_ process: borrowing ProcessHandle) throws(VMError) -> Rung? {
        var session = try MonitorSession.open(directory, by: Deadline(in: .seconds(5)))
        if timeout > .zero, try ask(&session) {
            return process.waitForEnd(by: Deadline(in: Self.quitPatience)) ? .guest : nil
        }
        _ = try? session.execute(QMPCommand("quit"), by: Deadline(in: .seconds(2)))
        return process.waitForEnd(by: Deadline(in: Self.quitPatience)) ? .quit : nil
    }

    /// Presses the power button until the guest has shut down. False where it has not in time.
    private func ask(_ session: inout MonitorSession) throws(VMError) -> Bool {
        let deadline = Deadline(in: timeout)
        try wake(&session, by: deadline)
        while !deadline.hasPassed {
            do throws(VMError) {
                _ = try session.execute(QMPCommand("system_powerdown"), by: deadline)
            } catch  where error.code == .unavailable {
                // The guest was shutting down already, and QEMU closed the connection.
                return true
            }
            let press = Deadline(in: min(Self.pressInterval, deadline.remaining))
            if try session.waitForClose(by: press) { return true }
        }
        return false
    }

    /// A machine that stands still does not see the button.
    private func wake(_ session: inout MonitorSession, by deadline: Deadline) throws(VMError) {
        switch try session.execute(QMPCommand("query-status"), by: deadline)["status"]?.string {
        case "paused": _ = try session.execute(QMPCommand("cont"), by: deadline)
        case "suspended": _ = try session.execute(QMPCommand("system_wakeup"), by: deadline)
        default: break
        }
    }

    private func kill(_ process: borrowing ProcessHandle) throws(VMError) -> Rung {
        process.kill()
        guard process.waitForEnd(by: Deadline(in: Self.quitPatience)) else {
            throw VMError(
                .timedOut, name.description, "QEMU was sent SIGKILL and has not ended; it hangs in the kernel",
                remedy: "`cat /proc/\(directory.holder?.pid ?? 0)/wchan` says where, mostly a disk that does not answer"
            )
        }
        noteInRecord()
        return .killed
    }

    /// A VM that was stopped on request has not crashed, and QEMU could not write that down.
    private func noteInRecord() {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let microseconds = Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000
        guard let record = try? OwnedDescriptor.open(paths.record(name), .writeOnly, flags: O_APPEND) else { return }
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
