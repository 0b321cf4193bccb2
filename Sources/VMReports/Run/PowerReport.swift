import VMCore
import VMLife

extension DeedReport {
    /// `kvmctl pause`, `kvmctl resume`, `kvmctl reset` and `kvmctl nmi`: what a switch did to a machine, or would.
    ///
    /// - Parameters:
    ///   - changed: whether it changed anything, or would.
    ///   - clock: what became of the guest's clock, if it had stood still.
    package static func power(
        _ name: VMName, _ button: PowerSwitch, from before: VMState, changed: Bool, dryRun: Bool,
        clock: GuestClock? = nil
    ) -> DeedReport {
        let already = button == .resume ? "already running" : "already \(button.done)"
        let done = before == .sleeping && button == .resume ? "woken up" : button.done
        let waits = button == .nmi && before == .paused
        return DeedReport(
            .power, name, dryRun: dryRun, changed ? (dryRun ? "would be " : "") + done : already,
            [
                "action": .string(button.rawValue), "before": .string(before.rawValue),
                "changed": .bool(changed && !dryRun), "clock": .optional(clock?.word),
            ],
            note: waits ? "it is paused: the guest sees the interrupt when it is resumed" : clock?.notice)
    }
}
