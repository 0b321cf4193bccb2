import VMCore
import VMHost

extension Machine {
    /// Why its QEMU, which runs, does not answer: it hangs. nil: it answers, or something else keeps it from being asked.
    ///
    /// Asked only where something else did not come in time.
    func hangOfQEMU() -> VMError? {
        let deadline = Deadline(in: .milliseconds(1500))
        do throws(MonitorSession.Failure) {
            var session = try monitor(by: deadline)
            _ = try session.execute(.status, by: deadline)
            return nil
        } catch .qemu(.silent) {
            return MonitorSession.Failure.qemu(.silent).error(of: name)
        } catch { return nil }
    }

    /// A failure of the guest agent as an error: it can't answer if QEMU does not.
    func error(of failure: GuestAgent.Failure) -> VMError {
        if failure == .silent, let hang = hangOfQEMU() { return hang }
        return failure.error(of: name)
    }
}
