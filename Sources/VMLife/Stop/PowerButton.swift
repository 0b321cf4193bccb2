import SystemPackage
import VMCore
import VMHost

/// The first rung of a stop: the ACPI power button, pressed until the guest has shut down.
///
/// The monitor is used for each press alone, and free for others between two.
struct PowerButton {
    private let directory: RuntimeDirectory

    init(_ directory: RuntimeDirectory) { self.directory = directory }

    /// The pause between two presses: a guest that is still booting loses them.
    private static let interval = Duration.seconds(5)
    /// How long QEMU may take to answer.
    private static let monitorPatience = Duration.seconds(5)
    /// How long a QEMU that has closed its monitor may take to end: it flushes its images first.
    private static let endPatience = Duration.seconds(10)

    /// Presses until QEMU has ended, or the time is over, or there is no point in it.
    ///
    /// - Throws: what keeps this command from asking and says nothing of QEMU, so that it is no reason to end it.
    func press(for timeout: Duration, _ process: borrowing ProcessHandle) throws(VMError) -> Stopping.Answer {
        let deadline = Deadline(in: timeout)
        while !deadline.hasPassed {
            do throws(MonitorSession.Failure) {
                if let runState = try pressOnce() { return .pointless(runState: runState) }
            } catch .qemu(let failure) {
                return answer(to: failure, process)
            } catch {
                throw error.error(of: directory.name)
            }
            let pause = Deadline(in: min(Self.interval, deadline.remaining))
            if process.waitForEnd(by: pause) { return .ended }
        }
        return .tooSlow
    }

    /// - Returns: nil, or the run state in which no guest will ever see the button (QEMU, qapi/run-state.json).
    private func pressOnce() throws(MonitorSession.Failure) -> String? {
        let deadline = Deadline(in: Self.monitorPatience)
        var session = try MonitorSession.open(directory, by: deadline)
        let runState = try session.execute(QMPCommand("query-status"), by: deadline)["status"]?.string ?? ""
        switch runState {
        case "guest-panicked", "internal-error", "shutdown", "postmigrate": return runState
        // A machine that stands still does not see the button; what made it stand may have been put right since.
        case "paused", "io-error", "watchdog": try session.execute(QMPCommand("cont"), by: deadline)
        case "suspended": try session.execute(QMPCommand("system_wakeup"), by: deadline)
        default: break
        }
        try session.execute(QMPCommand("system_powerdown"), by: deadline)
        return nil
    }

    /// QEMU closes its monitor on its way to the end; any other failure is one of the monitor.
    private func answer(to failure: QMPClient.Failure, _ process: borrowing ProcessHandle) -> Stopping.Answer {
        let patience = failure.mayBeTheEnd ? Self.endPatience : .zero
        if process.waitForEnd(by: Deadline(in: patience)) { return .ended }
        return .noMonitor(cause: failure.cause)
    }
}
