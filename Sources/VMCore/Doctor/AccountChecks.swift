/// Users, groups, and what tells this host from others.
enum AccountChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        let range = "\(UIDPool.range.lowerBound) to \(UIDPool.range.upperBound)"
        var findings = facts.host.strangers.map { name in
            Finding.problem(
                "users", "\(name) has one of the uids that VMs get (\(range)): that VM and it can change one another",
                mend: .step("give it another, with usermod --uid"))
        }
        if let uids = facts.host.uids {
            let text = "\(UIDPool.lack(in: uids)): no VM can start without RUNAS"
            findings.append(.warning("users", text, mend: .step(UIDPool.mapping)))
        }
        if findings.isEmpty {
            let lookers = facts.host.hasLookers ? "the group kvmctl" : "nobody else: there is no group kvmctl"
            findings.append(.ok("users", "VMs get a uid each out of \(range); may look at root's: \(lookers)"))
        }
        return findings + machineID(facts)
    }

    private static func machineID(_ facts: DoctorFacts) -> [Finding] {
        guard facts.host.machineID.isEmpty else { return [] }
        let dependent = facts.machines.filter(\.needsMachineID).map(\.name)
        let effect =
            dependent.isEmpty
            ? "nothing tells the bridges that are made here from those of another such host"
            : "on another such host \(dependent.joined(separator: ", ")) would have the same UUID and MACs"
        let uuid = "/proc/sys/kernel/random/uuid"
        let fill = ("tr -d -" as ShellCommand).reading(from: uuid).writing(to: "/etc/machine-id")
        return [
            .warning(
                "/etc/machine-id", "holds no id: \(effect)",
                mend: .command(fill))
        ]
    }
}
