import VMCore
import VMHost

/// What a switch on a running machine does to its processors.
package enum PowerSwitch: String, Sendable {
    /// Halts them.
    case pause
    /// Lets them run, and wakes a guest that sleeps.
    case resume
    /// Resets the machine, as its reset button would, and lets it run.
    case reset
    /// Sends them a non-maskable interrupt, for the guest's kernel to panic and write its crash dump.
    case nmi
}

extension Machine {
    /// Pauses, resumes or resets the VM, or sends it a non-maskable interrupt.
    ///
    /// - Returns: what it was doing before, and whether that was changed, or would be.
    /// - Throws: `.busy` if it is not running, can't be resumed, or is paused again at once; why QEMU can't be told.
    package func turn(_ button: PowerSwitch, dryRun: Bool) throws(VMError) -> (before: VMState, changes: Bool) {
        try running(or: "it can't be \(button.done)")
        if dryRun { return try press(button, dryRun: true) }
        return try operate { () throws(VMError) in
            // Getting the lock may have taken a while.
            guard try settle().isAlive, try runsFromFile else { throw notRunning(so: "it can't be \(button.done)") }
            return try press(button, dryRun: false)
        }
    }

    private func press(_ button: PowerSwitch, dryRun: Bool) throws(VMError) -> (before: VMState, changes: Bool) {
        let deadline = Deadline(in: .seconds(10))
        let before = try ask(.status, by: deadline)
        let steps = try steps(of: button, from: before)
        guard !dryRun, !steps.isEmpty else { return (before.vmState, !steps.isEmpty) }
        // A suspend that was killed may have saved it, or QEMU may still be at it, and would halt the machine in the end.
        if button == .resume || button == .reset {
            try forgetSavedState()
            do throws(MonitorSession.Failure) {
                var session = try monitor(by: deadline)
                try session.callOffMigration(by: deadline)
            } catch { throw error.error(of: name) }
        }
        note(button.deed)
        for step in steps { try ask(step, by: deadline) }
        switch button {
        case .pause, .nmi: break
        case .resume: if let reason = before.pauseReason(nil) { try refuseIfPausedAgain(reason) }
        case .reset: if before.vmState != .running { try runAfterReset(by: deadline) }
        }
        return (before.vmState, true)
    }

    /// The commands to give; none: it is so already.
    private func steps(of button: PowerSwitch, from state: RunState) throws(VMError) -> [QMPRequest<Void>] {
        switch (button, state.vmState) {
        case (.reset, _): return [.reset]
        case (.pause, .running): return [.pause]
        // What wakes the guest resets its processors, which lose the interrupt.
        case (.pause, .sleeping), (.nmi, .sleeping): throw asleep(so: "its processors stand still")
        case (.resume, .sleeping): return [.wakeUp]
        case (.resume, .paused):
            guard let reason = state.pauseReason(nil), !reason.canBeResumed else { return [.resume] }
            throw VMError(
                .busy, name.description, "it can't go on: \(reason)",
                remedy: "reset it, with kvmctl reset, or stop it")
        case (.nmi, _): return [.injectNMI]
        case (.pause, _), (.resume, _): return []
        }
    }

    /// QEMU tries again what failed, and pauses the machine again at once if it still fails.
    private func refuseIfPausedAgain(_ reason: PauseReason) throws(VMError) {
        pause(.milliseconds(250))
        let seen = entry()
        guard seen.state == .paused else { return }
        throw VMError(
            .busy, name.description, "was paused again at once: \(seen.pauseReason ?? reason)",
            remedy: "\((seen.pauseReason ?? reason).remedy), then resume it again")
    }

    /// The reset comes after the reply to its command, and leaves a machine that did not run in `prelaunch`.
    private func runAfterReset(by deadline: Deadline) throws(VMError) {
        while true {
            let state = try ask(.status, by: deadline)
            switch state.vmState {
            case .running: return
            case .starting: try ask(.resume, by: deadline)
            default: pause(.milliseconds(5))
            }
            guard !deadline.hasPassed else {
                throw VMError(
                    .timedOut, name.description, "QEMU has not reset the machine in 10 s (\(state.name))",
                    remedy: "cut its power with kvmctl stop --now")
            }
        }
    }
}

extension Machine {
    /// Refuses what a guest whose processors stand still can't do.
    ///
    /// - Throws: `.busy` if it is paused, or sleeps.
    func refuseStandstill(_ state: VMState, so consequence: String) throws(VMError) {
        switch state {
        case .paused: throw paused(so: consequence)
        case .sleeping: throw asleep(so: consequence)
        default: return
        }
    }

    /// The refusal of what a guest that sleeps can't do.
    func asleep(so consequence: String) -> VMError {
        VMError(
            .busy, name.description, "its guest sleeps, so \(consequence)",
            remedy: .run("wake it up first", "kvmctl resume \(name)"))
    }

    /// The refusal of what a paused guest can't do.
    func paused(so consequence: String) -> VMError {
        VMError(
            .busy, name.description, "it is paused, so \(consequence)",
            remedy: .run("let it run first", "kvmctl resume \(name)"))
    }
}

extension PowerSwitch {
    /// What the VM's history says of it.
    fileprivate var deed: VMEvent.Deed {
        switch self {
        case .pause: .pause
        case .resume: .resume
        case .reset: .reset
        case .nmi: .nmi
        }
    }

    /// What has been done with it.
    package var done: String {
        switch self {
        case .pause: "paused"
        case .resume: "resumed"
        case .reset: "reset"
        case .nmi: "sent a non-maskable interrupt"
        }
    }
}
