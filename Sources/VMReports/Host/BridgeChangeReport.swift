import BridgeNet
import VMCore

/// `kvmctl net up` and `net down`: what was done to a bridge, or would be.
package struct BridgeChangeReport: ObjectReport {
    /// The state that was asked for.
    package enum Goal: Sendable {
        /// Up, with this uplink if any.
        case up(uplink: DeviceName?)
        /// Removed.
        case down
    }

    private let bridge: InterfaceName
    private let goal: Goal
    private let isDryRun: Bool
    private let steps: [String]
    private let moved: String

    /// Reports a change.
    ///
    /// - Parameters:
    ///     - steps: Its steps, in words; none if all was as asked.
    ///     - moved: How much moves between the bridge and its uplink, in words; may be empty.
    package init(_ bridge: InterfaceName, _ goal: Goal, isDryRun: Bool, steps: [String], moved: String) {
        self.bridge = bridge
        self.goal = goal
        self.isDryRun = isDryRun
        self.steps = steps
        self.moved = moved
    }

    /// What a change is.
    package var schema: Schema { .net }

    /// The bridge and the steps.
    package var members: Members {
        ["dryRun": .bool(isDryRun), "name": .string(bridge.description), "steps": .strings(steps)]
    }

    /// The result; for a dry run, a line for each step.
    package var text: [TextBlock] {
        guard !steps.isEmpty else { return ["\(bridge): \(asItWas)"] }
        return isDryRun ? steps.map { .lines($0) } : ["\(bridge): \(done)"]
    }

    private var asItWas: String {
        switch goal {
        case .up: "already up"
        case .down: "no such bridge"
        }
    }

    private var done: String {
        switch goal {
        case .up(nil): "up (\(steps.joined(separator: "; ")))"
        case .up(let uplink?): "up, with the uplink \(uplink)" + (moved.isEmpty ? "" : "; it has taken over \(moved)")
        case .down: moved.isEmpty ? "removed" : "removed; \(moved) moved back to its uplink"
        }
    }
}
