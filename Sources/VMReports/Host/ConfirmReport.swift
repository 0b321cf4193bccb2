import BridgeNet
import VMCore

/// `kvmctl net confirm`: the changes that are kept.
package struct ConfirmReport: ObjectReport {
    private let bridges: [InterfaceName]
    private let isDryRun: Bool

    /// Reports the bridges whose changes are kept, or would be.
    package init(_ bridges: [InterfaceName], isDryRun: Bool) { (self.bridges, self.isDryRun) = (bridges, isDryRun) }

    /// What a confirmation is.
    package var schema: Schema { .confirm }

    /// The bridges.
    package var members: Members { ["dryRun": .bool(isDryRun), "bridges": .strings(bridges)] }

    /// A line for each bridge.
    package var text: [TextBlock] {
        bridges.map { "\($0): \(isDryRun ? "on trial; would be confirmed" : "confirmed")" }
    }
}
