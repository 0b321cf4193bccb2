import VMCore
import VMLife

/// `kvmctl memory`: how much memory a guest has.
package struct MemoryReport: ObjectReport {
    private let name: VMName
    private let state: BalloonState
    private let isDryRun: Bool

    /// Reports on a guest's memory.
    package init(_ name: VMName, _ state: BalloonState, dryRun isDryRun: Bool) {
        (self.name, self.state, self.isDryRun) = (name, state, isDryRun)
    }

    /// What a guest's memory is.
    package var schema: Schema { .memory }

    /// In bytes.
    package var members: Members {
        [
            "dryRun": .bool(isDryRun), "name": .string(name.description), "memory": .int(state.current.bytes),
            "most": .int(state.most.bytes), "wanted": .optional(state.wanted?.bytes),
        ]
    }

    /// One line.
    package var text: [TextBlock] {
        if isDryRun, let wanted = state.wanted, wanted != state.current {
            return ["\(name): has \(state.current), and would be asked to have \(wanted)"]
        }
        return [
            "\(name): has \(state.current) of \(state.most)\(state.current < state.most ? ", until its next start" : "")"
        ]
    }
}
