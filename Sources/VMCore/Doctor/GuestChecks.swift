/// What a look at a VM's guest tells: one line if all is well.
package enum GuestChecks {
    /// The findings, the worst first.
    package static func findings(of evidence: GuestEvidence) -> [Finding] {
        let subject = evidence.vm.description
        let unseen = evidence.unseen.map { error in
            var finding = Finding(error, of: subject)
            finding.severity = .warning
            return finding
        }
        let found = evidence.state.isAlive ? complaints(evidence) : end(evidence)
        let all = found + (unseen.map { [$0] } ?? [])
        return all.isEmpty ? [.ok(subject, evidence.overview)] : all
    }

    /// What there is to say of a VM that is a template: it has no guest.
    package static func template(_ name: String) -> Finding {
        .ok(name, "a template: VMs are made of it, and it is not started")
    }

    private static func complaints(_ evidence: GuestEvidence) -> [Finding] {
        evidence.complaints.enumerated().map { number, diagnosis in
            // How far it is, is said once.
            var text = diagnosis.cause + shown(diagnosis.line)
            if number == 0 { text += "; \(evidence.overview)\(diagnosis.line == nil ? shown(evidence.lastLine) : "")" }
            let isProblem = diagnosis.symptom.isDeadEnd || cutOff.contains(diagnosis.symptom.id)
            return finding(isProblem ? .problem : .warning, evidence, text, diagnosis)
        }
    }

    /// Without an address that is its own, a guest can't be reached.
    private static let cutOff: Set<Symptom.ID> = [.noDHCP, .wrongVLAN, .addressTaken]

    /// What is on record of the last run of a VM that does not run.
    private static func end(_ evidence: GuestEvidence) -> [Finding] {
        guard let end = evidence.complaints.first else { return [] }
        if evidence.state == .crashed {
            return [finding(.problem, evidence, "\(evidence.overview)\(shown(end.line))", end)]
        }
        guard evidence.state == .stopped, let fault = evidence.lastRunsDeadEnd else { return [] }
        let text = "\(evidence.overview); in its last run \(fault.cause)\(shown(fault.line))"
        return [finding(.warning, evidence, text, fault)]
    }

    private static func shown(_ line: String?) -> String { line.map { "; it says: \(WaitOutcome.shown($0))" } ?? "" }

    private static func finding(
        _ severity: Finding.Severity, _ evidence: GuestEvidence, _ text: String, _ diagnosis: Diagnosis
    ) -> Finding {
        var finding = Finding(
            severity: severity, subject: evidence.vm.description, text: text, fix: Finding.Fix(diagnosis.remedy))
        finding.guest = Finding.Guest(
            symptom: diagnosis.symptom.id, stage: evidence.stage, line: diagnosis.line ?? evidence.lastLine)
        return finding
    }
}
