import VMCore
import VMHost

extension Machine {
    /// Has the agent trim the guest's file systems; returns what became of each, or nil if it is a dry run.
    package func trimFileSystems(dryRun: Bool) throws(VMError) -> [FileSystemTrim]? {
        try askAgent(or: "its file systems can't be trimmed") { agent throws(GuestAgent.Failure) in
            // The guest goes through all that is free, and the host frees each piece of it.
            dryRun ? nil : try agent.execute(.trim, by: Deadline(in: .seconds(600)))
        }
    }
}

extension [FileSystemTrim] {
    /// The failure to trim some; nil if all were trimmed.
    package func problem(of name: VMName) -> VMError? {
        let failures = compactMap { trim in trim.error.map { "\(trim.path): \($0)" } }
        if failures.isEmpty { return nil }
        return VMError(
            .partial, name.description, "the guest could not trim \(failures.count) of \(count) file systems",
            remedy: "in the guest, \(command: "lsblk --discard") shows which disks can be trimmed",
            details: failures.map { Printable.foreign(Printable.excerpt($0, limit: 160)) })
    }
}
