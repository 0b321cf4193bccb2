/// Memory for the VMs that don't run yet.
enum MemoryChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        guard let memory = facts.host.memory else {
            return [
                .warning(
                    "memory", "the kernel does not say how much is free",
                    fix: .step("see why /proc/meminfo can't be read"))
            ]
        }
        let waiting = facts.machines.filter { !$0.isRunning }
        let findings = waiting.compactMap { shortage(of: $0, memory) } + hugePages(memory)
        return findings.isEmpty ? [.ok("memory", "\(memory.available) of \(memory.total) is free")] : findings
    }

    private static func shortage(of machine: MachineCondition, _ memory: MemoryCondition) -> Finding? {
        guard let wanted = machine.memory else { return nil }
        if let promisable = memory.promisable, wanted > promisable {
            return .problem(
                machine.name,
                "needs \(wanted), but the kernel can commit only \(promisable) (vm.overcommit_memory=2)",
                fix: .command("sysctl -w vm.overcommit_memory=0"))
        }
        guard wanted > memory.available else { return nil }
        return .warning(
            machine.name,
            "needs \(wanted), but only \(memory.available) is free: once it is used up, the kernel may kill a VM",
            fix: .step("stop something else first, reduce MEMORY, or add swap"))
    }

    /// Huge pages are reserved for programs that ask for them, and VMs don't.
    private static func hugePages(_ memory: MemoryCondition) -> [Finding] {
        guard memory.idleHugePages.bytes > memory.total.bytes / 10 else { return [] }
        return [
            .warning(
                "memory", "\(memory.idleHugePages) is reserved for huge pages that nothing uses",
                fix: .step("if no program needs them, reduce vm.nr_hugepages"))
        ]
    }
}
