import VMCore
import VMHost
import VMLife

/// Cleans up before a command. The next command that root runs, whichever it is, removes what VMs and commands that
/// crashed left on the host, and rolls back their changes. The next command of a VM's owner trims the logs of running
/// VMs.
enum LeftBehind {
    /// Cleans up, unless the command is one that changes nothing.
    static func remove(before arguments: [String]) {
        let isLooking = arguments.contains("--dry-run") || ["check", "explain"].contains(arguments.first)
        guard !isLooking, let site = try? Site.current else { return }
        // These may hold what is swept next.
        site.sweepEphemeral().forEach(Message.error)
        HostResource.sweep(site.paths).forEach(Message.error)
        // The doctor reports what it finds, and `trim-logs` reports its own failures.
        if !["doctor", "trim-logs"].contains(arguments.first) {
            // The command itself will look for the VMs, or say why it can't.
            (try? LogBound(site).enforce())?.forEach(Message.error)
        }
        let changes = Trial.settleLeftovers(site.paths)
        changes.done.forEach(Message.note)
        changes.failures.forEach(Message.error)
    }
}
