import VMCore
import VMLife

/// `kvmctl stop`: how a VM was stopped, or would be.
package struct StopReport: ObjectReport {
    private let name: VMName
    private let steps: [Stopping.Step]
    private let outcome: Stopping.Outcome?
    private let patience: Duration

    /// Reports a stop.
    ///
    /// - Parameters:
    ///     - steps: The steps that there are to try, in order.
    ///     - outcome: The result; nil for a dry run.
    ///     - patience: How long the guest may take to shut down.
    package init(_ name: VMName, steps: [Stopping.Step], outcome: Stopping.Outcome?, patience: Duration) {
        self.name = name
        self.steps = steps
        self.outcome = outcome
        self.patience = patience
    }

    /// What a stop is.
    package var schema: Schema { .stop }

    /// The steps and the result.
    package var members: Members {
        [
            "dryRun": .bool(outcome == nil), "name": .string(name.description),
            "rungs": .strings(steps.map(\.rawValue)), "result": .optional(outcome?.step.rawValue),
            "symptom": .optional(outcome?.cause?.symptom.id.rawValue), "cause": .optional(outcome?.cause?.cause),
            "remedy": .optional(outcome?.cause?.remedy.description),
        ]
    }

    /// One line.
    package var text: [TextBlock] { ["\(name): \(outcome.map(words) ?? plan)"] }

    private var plan: String {
        guard !steps.isEmpty else { return "not running" }
        let guest = "the guest is asked to shut down, for up to \(patience.components.seconds)s; else "
        return "would be stopped: \(steps.contains(.guest) ? guest : "")QEMU is told to quit; else it is killed"
    }

    private func words(_ outcome: Stopping.Outcome) -> String {
        let cause = outcome.cause.map { " (\($0.cause))" } ?? ""
        let why = words(outcome.answer, cause)
        return switch outcome.step {
        case .alreadyStopped: "not running"
        case .suspended: "not running, but suspended"
        case .guest: "stopped; the guest shut down"
        case .quit: "stopped; \(why)QEMU was told to quit"
        case .killed: "stopped; \(why)QEMU did not quit and was killed"
        case .panicked: "stopped; the guest panicked\(cause)"
        case .crashed: "stopped; QEMU ended before it was told to quit, and did not record why"
        }
    }

    private func words(_ answer: Stopping.Answer, _ cause: String) -> String {
        switch answer {
        case .notAsked, .ended: ""
        case .tooSlow: "the guest did not shut down in \(patience.components.seconds)s\(cause); "
        case .panicked: "the guest was not asked\(cause.isEmpty ? " (its kernel panicked)" : cause); "
        case .pointless(let runState): "the guest can no longer be asked (\(runState.name))\(cause); "
        case .noMonitor(let obstacle): "\(obstacle), so the guest could not be asked; "
        }
    }
}
