import VMCore
import VMLife

/// `kvmctl list --names`: VMs for a shell's loop.
package struct NamesReport: Report {
    private let names: [String]
    /// Made at once: how long a VM has been running is as of then.
    private let list: VMListReport

    /// Reports on VMs in this order.
    package init(_ entries: [VMEntry]) { (names, list) = (entries.map(\.name), VMListReport(entries)) }

    /// What a VM is.
    package var schema: Schema { .vm }

    /// The same as without `--names`.
    package var content: Content { list.content }

    /// A line for each VM.
    package var text: [TextBlock] { names.map { .lines($0) } }
}
