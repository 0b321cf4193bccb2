import VMCore
import VMHost

/// What the guests of some VMs show, for the doctor.
struct GuestSurvey {
    private let findings: [Finding]

    /// Looks at the guests, all at the same time as far as there are descriptors.
    init(_ entries: [VMEntry], of site: Site) {
        let templates = entries.filter { !$0.state.isAlive && $0.vm?.isTemplate == true }
        let names = Set(templates.map(\.name))
        // What keeps a VM from being looked at is another finding.
        let vms = entries.filter { !names.contains($0.name) }.compactMap { entry -> Machine? in
            guard entry.place == site.paths, !entry.isStray, entry.state != .unknown else { return nil }
            return VMName(entry.name).map { Machine(name: $0, file: entry.file, site: site) }
        }
        let atOnce = DescriptorLimit.room(for: vms.count, each: Waiting.descriptors)
        findings =
            templates.map { GuestChecks.template($0.name) }
            + stride(from: 0, to: vms.count, by: atOnce).flatMap { start in
                let looks = vms[start...].prefix(atOnce).map { vm in
                    (vm, Background { Result { () throws(VMError) in try vm.look() } })
                }
                return looks.flatMap { vm, look in Self.findings(of: vm, look.value) }
            }
    }

    private static func findings(of vm: Machine, _ look: Result<GuestEvidence, VMError>) -> [Finding] {
        switch look {
        case .success(let evidence): return GuestChecks.findings(of: evidence)
        case .failure(let error):
            var finding = Finding(error, of: vm.name.description)
            finding.severity = .warning
            return [finding]
        }
    }

    /// The findings after others, of which those are left out that a guest's symptom tells too.
    func joined(to others: [Finding]) -> [Finding] {
        let told = others.filter { other in
            !findings.contains { $0.fix != nil && $0.fix == other.fix && $0.subject == other.subject }
        }
        // That a VM does not run is no news where something keeps it from starting.
        let troubled = Set(told.filter { $0.severity == .problem }.map(\.subject))
        return told + findings.filter { $0.severity != .ok || !troubled.contains($0.subject) }
    }
}
