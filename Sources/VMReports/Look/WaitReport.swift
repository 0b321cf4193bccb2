import VMCore
import VMHost

/// `kvmctl wait`: what a wait for a VM came to.
package struct WaitReport: ObjectReport {
    private let outcome: WaitOutcome

    /// Reports a wait, whether it was met or not.
    package init(_ outcome: WaitOutcome) { self.outcome = outcome }

    /// What a wait is.
    package var schema: Schema { .wait }

    /// The conditions, and what the guest showed in the end.
    package var members: Members {
        let evidence = outcome.evidence
        let diagnosis = outcome.diagnosis
        return [
            "name": .string(evidence.vm.description),
            "conditions": .array(
                outcome.conditions.map { condition, how in
                    [
                        "condition": .string(condition.description), "met": .bool(how != nil),
                        "how": .optional(how.map { Printable.escaped($0) }),
                    ]
                }),
            "any": .bool(outcome.any), "result": .string(result), "waited": .integer(outcome.waited.wholeMilliseconds),
            "state": .string(evidence.state.rawValue), "stage": .string(evidence.stage.rawValue),
            "agent": .string(evidence.agent.rawValue), "symptom": .optional(diagnosis?.symptom.id.rawValue),
            "cause": .optional(diagnosis?.cause), "remedy": .optional(diagnosis?.remedy.description),
            "line": .optional(diagnosis?.line), "console": .strings(evidence.console.lastLines),
            "screenshot": .optional(outcome.picture),
        ]
    }

    private var result: String {
        switch outcome.end {
        case .met: "met"
        case .timedOut: "timedOut"
        case .deadEnd: "deadEnd"
        }
    }

    /// One line: how each condition was met. Nothing if they were not, which is an error.
    package var text: [TextBlock] {
        guard case .met = outcome.end else { return [] }
        let met = outcome.conditions.compactMap { condition, how in
            how.map { "\(condition): \(Printable.foreign(Printable.excerpt($0, limit: 100)))" }
        }
        let seconds = outcome.waited.wholeMilliseconds / 100
        let time = "\(seconds / 10).\(seconds % 10) s"
        return ["\(outcome.evidence.vm): \(met.joined(separator: "; ")), after \(time)"]
    }
}
