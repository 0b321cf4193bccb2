import VMCore

/// `kvmctl freeze` and `kvmctl thaw`: what became of a guest's file systems, or would.
package struct FreezeReport: ObjectReport {
    /// A freeze, or a thaw.
    package let schema = Schema.freeze
    /// The state before, and how many file systems were changed.
    package let members: Members
    /// One line.
    package let text: [TextBlock]

    /// Reports a freeze or a thaw.
    ///
    /// - Parameter changed: how many file systems were frozen or thawed; nil: they were already, or it is a dry run.
    package init(_ name: VMName, to wanted: FreezeState, from before: FreezeState, changed: Int64?, dryRun: Bool) {
        members = [
            "dryRun": .bool(dryRun), "name": .string(name.description), "before": .string(before.rawValue),
            "changed": .optional(changed),
        ]
        let count = changed.map { "\($0) file system\($0 == 1 ? "" : "s") \(wanted)" }
        text = ["\(name): \(count ?? (before == wanted ? "already \(wanted)" : "would be \(wanted)"))"]
    }
}
