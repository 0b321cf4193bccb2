import BridgeNet
import VMCore

/// `kvmctl net persist` and `net unpersist`: files that were written and removed, or would be.
package struct PersistReport: ObjectReport {
    private let bridge: InterfaceName
    private let isDryRun: Bool
    private let service: NetworkService?
    private let plan: PersistPlan
    private let effect: String
    private let notices: [String]

    /// Reports the files of a bridge.
    ///
    /// - Parameters:
    ///     - service: The service whose files were asked for; nil for none at all.
    ///     - effect: When the change takes effect, in words.
    ///     - notices: What the user should know, on stderr in every format.
    package init(
        _ bridge: InterfaceName, isDryRun: Bool, service: NetworkService?, plan: PersistPlan, effect: String,
        notices: [String]
    ) {
        self.bridge = bridge
        self.isDryRun = isDryRun
        self.service = service
        self.plan = plan
        self.effect = effect
        self.notices = notices
    }

    /// What a change to such files is.
    package var schema: Schema { .persist }

    /// The files.
    package var members: Members {
        [
            "dryRun": .bool(isDryRun), "name": .string(bridge.description), "service": .optional(service?.rawValue),
            "written": .array(
                plan.writes.map {
                    ["path": .string($0.path), "mode": .int($0.permissions), "text": .string($0.text)]
                }),
            "removed": .strings(plan.removals),
            "notices": .strings(notices),
        ]
    }

    /// The files, and when they take effect.
    package var text: [TextBlock] {
        plan.writes.map { file in
            let mode = String(file.permissions, radix: 8)
            return isDryRun ? "write \(file.path), mode 0\(mode):\n\(file.text)" : "wrote \(file.path)"
        } + plan.removals.map { "\(isDryRun ? "remove" : "removed") \($0)" }
            + ["\(bridge): \(plan.isEmpty ? asItWas : effect)"]
    }

    private var asItWas: String {
        service.map { "already in the files of \($0.title)" } ?? "in none of kvmctl's files"
    }
}
