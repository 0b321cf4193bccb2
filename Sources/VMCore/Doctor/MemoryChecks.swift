/// Memory for those VMs that don't have theirs yet.
enum MemoryChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        guard let memory = facts.host.memory else {
            return [
                .warning(
                    "memory", "the kernel does not say how much is free",
                    mend: .step("see why /proc/meminfo can't be read"))
            ]
        }
        let waiting = facts.machines.filter { !$0.isRunning }
        let findings = waiting.compactMap { shortage(of: $0, memory) } + hugePages(memory)
        return findings.isEmpty ? [.ok("memory", "\(memory.available) of \(memory.total) are free")] : findings
    }

    private static func shortage(of machine: MachineCondition, _ memory: MemoryCondition) -> Finding? {
        guard let wanted = machine.memory else { return nil }
        if let promisable = memory.promisable, wanted > promisable {
            return .problem(
                machine.name,
                "wants \(wanted), and the kernel promises no more than \(promisable) (vm.overcommit_memory=2)",
                mend: .command("sysctl -w vm.overcommit_memory=0"))
        }
        guard wanted > memory.available else { return nil }
        return .warning(
            machine.name,
            "wants \(wanted), and \(memory.available) are free: once it uses them, the kernel may kill a VM",
            mend: .step("stop something else first, write less into MEMORY, or add swap"))
    }

    /// Kept for those who ask for huge pages, and VMs don't.
    private static func hugePages(_ memory: MemoryCondition) -> [Finding] {
        guard memory.idleHugePages.bytes > memory.total.bytes / 10 else { return [] }
        return [
            .warning(
                "memory", "\(memory.idleHugePages) are kept for huge pages that nobody uses",
                mend: .step("if no program is to have them, write a smaller number into vm.nr_hugepages"))
        ]
    }
}
