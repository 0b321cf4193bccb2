import VMCore
import VMHost

extension Machine {
    /// Has the agent freeze or thaw the guest's file systems; returns their state before, and how many were changed.
    ///
    /// - Parameter tell: receives what the user should know meanwhile.
    package func bringFileSystems(
        to wanted: FreezeState, dryRun: Bool, tell: (String) -> Void
    ) throws(VMError) -> (before: FreezeState, changed: Int64?) {
        // One VM after another is frozen: none any more once the user has given up.
        guard Interruption.signal == nil || wanted == .thawed else {
            throw VMError(.busy, name.description, "interrupted: it was not frozen")
        }
        var late: LateFreeze?
        let (before, changed) = try askAgent(or: "its file systems can't be \(wanted)") {
            agent throws(GuestAgent.Failure) -> (FreezeState, Int64?) in
            let before = try agent.execute(.freezeState, by: Deadline(in: .seconds(5)))
            if dryRun || before == wanted { return (before, nil) }
            let changed: Int64?
            switch wanted {
            case .thawed: changed = try agent.execute(.thaw, by: Deadline(in: LateFreeze.patience))
            case .frozen:
                changed = try agent.freeze()
                if changed == nil { late = try LateFreeze(undoneBy: &agent, tell) }
            }
            if changed != nil { note(wanted == .frozen ? .freeze : .thaw) }
            return (before, changed)
        }
        if let late { throw late.error(of: name) }
        return (before, changed)
    }
}

/// A freeze that took too long, or that the user gave up.
private struct LateFreeze {
    /// How long a guest may take: it first writes what it has cached.
    static let patience = Duration.seconds(60)
    /// How long it may then take until it can be thawed.
    private static let patienceToThaw = Duration.seconds(600)

    private let isInterrupted: Bool
    private let isThawed: Bool

    /// Thaws the guest. An agent carries out commands in order, and can't answer while no one is connected: it would not come to
    /// the thaw, and the guest would stay frozen. So this waits for both answers.
    init(undoneBy agent: inout GuestAgent, _ tell: (String) -> Void) throws(GuestAgent.Failure) {
        isInterrupted = Interruption.signal != nil
        let end = Deadline(in: Self.patienceToThaw)
        tell(
            (isInterrupted ? "interrupted" : "its guest has not frozen its file systems in 60 s")
                + ": waiting until it can be thawed")
        try agent.post(.thaw, by: end)
        var isThawed = false
        do throws(GuestAgent.Failure) {
            // Whether the freeze failed does not matter any more.
            do throws(GuestAgent.Failure) { _ = try agent.reply(to: .freeze, by: end) } catch .refused {}
            _ = try agent.reply(to: .thaw, by: end)
            isThawed = true
        } catch {}
        self.isThawed = isThawed
    }

    func error(of name: VMName) -> VMError {
        let cause =
            isInterrupted
            ? "the freeze of its file systems was interrupted" : "its guest did not freeze its file systems in 60 s"
        let code: VMError.Code = isInterrupted ? .busy : .timedOut
        guard isThawed else {
            return VMError(
                code, name.description, "\(cause); they may still be frozen later",
                remedy: .run("thaw it once its agent answers", "kvmctl thaw \(name)"))
        }
        return VMError(
            code, name.description, "\(cause); the guest was thawed",
            remedy: isInterrupted
                ? nil : "it may write very much, or a hook of its agent (fsfreeze-hook) takes its time: try again later"
        )
    }
}

extension GuestAgent {
    /// Freezes the guest's file systems; returns how many, or nil if it takes too long, or the user gives it up.
    fileprivate mutating func freeze() throws(Failure) -> Int64? {
        Interruption.note()
        let end = Deadline(in: LateFreeze.patience)
        try post(.freeze, by: end)
        while true {
            do throws(Failure) { return try reply(to: .freeze, by: Deadline(in: .milliseconds(200))) } catch .silent {
                if Interruption.signal != nil || end.hasPassed { return nil }
            } catch {
                // It may have frozen some.
                _ = try? execute(.thaw, by: Deadline(in: .seconds(5)))
                throw error
            }
        }
    }
}
