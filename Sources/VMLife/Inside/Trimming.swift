import VMCore
import VMHost

extension Machine {
    /// Has the agent trim the guest's file systems; returns what became of each, or nil if it is a dry run.
    ///
    /// Not within `operate`, like a freeze.
    package func trimFileSystems(dryRun: Bool) throws(VMError) -> [FileSystemTrim]? {
        let seen = try running(or: "its file systems can't be trimmed")
        guard seen.state != .paused else { throw paused(so: "its guest agent can't answer") }
        do throws(GuestAgent.Failure) {
            var agent = try agent(by: Deadline(in: .seconds(5)))
            // The guest goes through all that is free, and the host frees each piece of it.
            return dryRun ? nil : try agent.execute(.trim, by: Deadline(in: .seconds(600)))
        } catch { throw self.error(of: error) }
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
