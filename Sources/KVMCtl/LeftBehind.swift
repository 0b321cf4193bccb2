import VMCore
import VMHost
import VMLife

/// What VMs and commands that ended without a word left on the host is removed, and taken back, by the next command of
/// root's, whichever it is; and what VMs that run have written too much is cut by the next one of their owner's.
enum LeftBehind {
    /// Removes it, unless the command is one that touches nothing.
    static func remove(before arguments: [String]) {
        let isLooking = arguments.contains("--dry-run") || ["check", "explain"].contains(arguments.first)
        guard !isLooking, let paths = try? Places.current() else { return }
        HostResource.sweep(paths).forEach(Message.error)
        // The doctor says what it finds, and `trim-logs` what it could not do.
        if !["doctor", "trim-logs"].contains(arguments.first) {
            // Which VMs there are, the command itself will find out, or say why not.
            (try? LogBound(paths).enforce())?.forEach(Message.error)
        }
        let changes = Trial.settleLeftovers(paths)
        changes.done.forEach(Message.note)
        changes.failures.forEach(Message.error)
    }
}
