/// Users, groups, and the host's machine-id.
enum AccountChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        let range = "\(UIDPool.range.lowerBound) to \(UIDPool.range.upperBound)"
        var findings = facts.host.strangers.map { name in
            Finding.problem(
                "users", "\(name) has one of the uids that VMs get (\(range)): it and that VM could interfere",
                fix: .step("give it another uid with usermod --uid"))
        }
        if let uids = facts.host.uids {
            let text = "\(UIDPool.lack(in: uids)): no VM can start without RUNAS"
            findings.append(.warning("users", text, fix: .step(UIDPool.mapping)))
        }
        if findings.isEmpty {
            let lookers = facts.host.hasLookers ? "the group kvmctl" : "root only, as there is no group kvmctl"
            findings.append(.ok("users", "each VM gets a uid from \(range); root's VMs can be viewed by \(lookers)"))
        }
        return findings + machineID(facts)
    }

    private static func machineID(_ facts: DoctorFacts) -> [Finding] {
        guard facts.host.machineID.isEmpty else { return [] }
        let dependent = facts.machines.filter(\.needsMachineID).map(\.name)
        let effect =
            dependent.isEmpty
            ? "bridges that are created here can't be told from those of another such host"
            : "on another such host \(dependent.joined(separator: ", ")) would have the same UUID and MACs"
        let uuid = "/proc/sys/kernel/random/uuid"
        let fill = ("tr -d -" as ShellCommand).reading(from: uuid).writing(to: "/etc/machine-id")
        return [
            .warning(
                "/etc/machine-id", "holds no id: \(effect)",
                fix: .command(fill))
        ]
    }
}
