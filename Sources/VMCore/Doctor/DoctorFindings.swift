extension DoctorFacts {
    /// Everything that was found, the host first, then its bridges, then the VMs.
    package var findings: [Finding] {
        let checks: [(DoctorFacts) -> [Finding]] = [
            KVMChecks.all, QEMUChecks.all, AccountChecks.all, MemoryChecks.all, DeviceChecks.all, PlaceChecks.all,
            BridgeChecks.all, PortChecks.all, FilterChecks.all, HeldChecks.all, { $0.unseen.map(Self.blindSpot) },
            MachineChecks.all,
        ]
        let all = checks.flatMap { $0(self) }
        let troubled = Set(all.filter { $0.severity != .ok }.map(\.subject))
        var fixes: Set<Finding.Fix> = []
        return all.filter { finding in
            if finding.severity == .ok { return !troubled.contains(finding.subject) }
            // What one command fixes is one problem, and is reported where it shows first.
            guard finding.severity == .problem, let fix = finding.fix, case .command = fix else { return true }
            return fixes.insert(fix).inserted
        }
    }

    private static func blindSpot(_ error: VMError) -> Finding {
        var finding = Finding(error)
        finding.severity = .warning
        return finding
    }
}
