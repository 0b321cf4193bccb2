import VMCore
import VMLife

/// `kvmctl pause`, `kvmctl resume` and `kvmctl reset`: what was done to a machine, or would be.
package struct PowerReport: ObjectReport {
    /// What was done to a machine.
    package let schema = Schema.power
    /// What it was doing before, and whether that was changed.
    package let members: Members
    /// One line.
    package let text: [TextBlock]

    /// Reports what a switch did.
    ///
    /// - Parameters:
    ///   - changed: whether it changed anything, or would.
    ///   - clock: what became of the guest's clock, if it had stood still.
    package init(
        _ name: VMName, _ button: PowerSwitch, from before: VMState, changed: Bool, dryRun: Bool,
        clock: GuestClock? = nil
    ) {
        members = [
            "dryRun": .bool(dryRun), "name": .string(name.description), "action": .string(button.rawValue),
            "before": .string(before.rawValue), "changed": .bool(changed && !dryRun),
            "clock": .optional(clock?.word),
        ]
        let already = button == .resume ? "already running" : "already \(button.done)"
        let done = before == .sleeping && button == .resume ? "woken up" : button.done
        text = ["\(name): \(changed ? (dryRun ? "would be " : "") + done : already)"]
    }
}
