import VMCore
import VMHost

extension Machine {
    /// Has the agent freeze or thaw the guest's file systems; returns their state before, and how many were changed.
    ///
    /// Not within `operate`: a guest that takes its time would keep a `stop` waiting. The agent lock is enough.
    package func bringFileSystems(
        to wanted: FreezeState, dryRun: Bool
    ) throws(VMError) -> (before: FreezeState, changed: Int64?) {
        try running(or: "its file systems can't be \(wanted)")
        guard observe().state != .paused else {
            throw paused(so: "its guest agent can't answer")
        }
        do throws(GuestAgent.Failure) {
            let deadline = Deadline(in: .seconds(5))
            var agent = try agent(by: deadline)
            let before = try agent.execute(.freezeState, by: deadline)
            if dryRun || before == wanted { return (before, nil) }
            let changed = try agent.bringFileSystems(to: wanted)
            note(wanted == .frozen ? .freeze : .thaw)
            return (before, changed)
        } catch { throw self.error(of: error) }
    }
}

extension GuestAgent {
    fileprivate mutating func bringFileSystems(to wanted: FreezeState) throws(Failure) -> Int64 {
        // A freeze first writes what the guest has cached.
        do { return try execute(wanted == .frozen ? .freeze : .thaw, by: Deadline(in: .seconds(60))) } catch {
            // Commands queue up in the agent: a freeze that succeeds after all is undone, if no one is here by then too.
            if wanted == .frozen { _ = try? execute(.thaw, by: Deadline(in: .seconds(5))) }
            throw error
        }
    }
}
