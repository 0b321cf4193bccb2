import SystemPackage
import VMCore
import VMHost

/// The first step of a stop: presses the ACPI power button until the guest has shut down, and asks its agent, if it has
/// one. Each alone may be in vain: a minimal guest does not hear the button, and an agent may hang.
///
/// The monitor is held only for each press, and is free for other commands in between.
struct PowerButton {
    private let vm: Machine

    init(_ vm: Machine) { self.vm = vm }

    /// The pause between two presses: a guest that is still booting misses them.
    private static let interval = Duration.seconds(5)
    /// How long QEMU may take to answer.
    private static let monitorPatience = Duration.seconds(5)
    /// How long the agent may take. It is asked again with the next press.
    private static let agentPatience = Duration.seconds(2)
    /// How long a QEMU that has closed its monitor may take to exit: it flushes its images first.
    private static let endPatience = Duration.seconds(10)

    /// Presses until QEMU has ended, the time is up, or pressing is pointless.
    ///
    /// - Throws: a failure on our side, which says nothing about QEMU and is no reason to kill it.
    func press(for timeout: Duration, _ process: borrowing ProcessHandle) throws(VMError) -> Stopping.Answer {
        let deadline = Deadline(in: timeout)
        while !deadline.hasPassed {
            do throws(MonitorSession.Failure) {
                if let runState = try pressOnce() { return .pointless(runState) }
            } catch .qemu(let failure) {
                return answer(to: failure, process)
            } catch {
                throw error.error(of: vm.name)
            }
            let pause = Deadline(in: min(Self.interval, deadline.remaining))
            askAgent(by: Deadline(in: min(Self.agentPatience, deadline.remaining)))
            if process.waitForEnd(by: pause) { return .ended }
        }
        return .tooSlow
    }

    /// Whatever fails here, the guest may have noticed the button.
    private func askAgent(by deadline: Deadline) {
        guard var agent = try? vm.agent(by: deadline) else { return }
        try? agent.askForShutdown(by: deadline)
    }

    /// - Returns: the run state, if it is one in which no guest will ever see the button.
    private func pressOnce() throws(MonitorSession.Failure) -> RunState? {
        let deadline = Deadline(in: Self.monitorPatience)
        var session = try vm.monitor(by: deadline)
        let runState = try session.execute(.status, by: deadline)
        switch runState.attention {
        case .none: return runState
        case .resume: try session.execute(.resume, by: deadline)
        case .wakeUp: try session.execute(.wakeUp, by: deadline)
        case .ready: break
        }
        try session.execute(.pressPowerButton, by: deadline)
        return nil
    }

    /// QEMU closes its monitor as it exits; any other failure is the monitor's.
    private func answer(to failure: QMPClient.Failure, _ process: borrowing ProcessHandle) -> Stopping.Answer {
        let patience = failure.mayBeTheEnd ? Self.endPatience : .zero
        if process.waitForEnd(by: Deadline(in: patience)) { return .ended }
        return .noMonitor(.qemu(failure))
    }
}
