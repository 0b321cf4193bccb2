import VMCore
import VMHost

extension Machine {
    /// Has the agent freeze or thaw the guest's file systems; returns their state before, and how many were changed.
    package func bringFileSystems(
        to wanted: FreezeState, dryRun: Bool
    ) throws(VMError) -> (before: FreezeState, changed: Int64?) {
        try askAgent(or: "its file systems can't be \(wanted)") { agent throws(GuestAgent.Failure) in
            let before = try agent.execute(.freezeState, by: Deadline(in: .seconds(5)))
            if dryRun || before == wanted { return (before, nil) }
            let changed = try agent.bringFileSystems(to: wanted)
            note(wanted == .frozen ? .freeze : .thaw)
            return (before, changed)
        }
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
