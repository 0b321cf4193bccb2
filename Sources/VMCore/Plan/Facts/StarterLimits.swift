/// The hard limits of the process that starts a VM, which can't be raised for QEMU (getrlimit(2)).
package struct StarterLimits: Equatable, Sendable {
    /// On the address space, or the data in it; nil: none.
    package var memory: ByteCount?
    /// On the size that a file can grow to; nil: none.
    package var fileSize: ByteCount?
    /// On the CPU time, in seconds; nil: none.
    package var cpuSeconds: Int64?

    /// No limits.
    package init() {}
}

extension LaunchPlanner {
    /// The address space that QEMU needs besides the guest's memory: for its own code and heap, the stacks of its
    /// threads, and under TCG the translated code.
    private static let ownAddresses = ByteCount(bytes: 2 << 30)

    /// Warns of limits that are too low for the VM. None of them is sure to end it, so it is started.
    mutating func planLimits() {
        guard !facts.isAssumed else { return }
        let limits = facts.limits
        let addresses = ByteCount(bytes: params.memory.value.bytes + Self.ownAddresses.bytes)
        if let memory = limits.memory, memory < addresses {
            warn(
                "on memory is \(memory) (\(command: "ulimit -H -v"), and -d), and QEMU needs up to \(addresses) of address space: it may not "
                    + "start, or may end when it needs more")
        }
        if let fileSize = limits.fileSize {
            warn(
                "on the size of a file is \(fileSize) (\(command: "ulimit -H -f")): a disk image beyond that gives the guest I/O errors, "
                    + "and a log stops there")
        }
        if let seconds = limits.cpuSeconds {
            warn("on CPU time is \(seconds) s (\(command: "ulimit -H -t")): when QEMU has used that, it is killed")
        }
    }

    private mutating func warn(_ text: String) {
        plan.notices.append(
            "this session's limit \(text); limits.conf(5) explains where it comes from, and only root can raise it")
    }
}
