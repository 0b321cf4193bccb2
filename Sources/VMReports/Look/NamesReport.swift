import VMCore
import VMLife

/// `kvmctl list --names`: VMs for a shell's loop.
package struct NamesReport: Report {
    private let entries: [VMEntry]

    /// Reports on VMs in this order.
    package init(_ entries: [VMEntry]) { self.entries = entries }

    /// What a VM is.
    package var schema: Schema { .vm }

    /// The same as without `--names`.
    package var content: Content { VMListReport(entries).content }

    /// A line for each VM.
    package var text: [TextBlock] { entries.map { .lines($0.name) } }
}
