import VMCore

extension DeedReport {
    /// `kvmctl freeze` and `kvmctl thaw`: what became of a guest's file systems, or would.
    ///
    /// - Parameter changed: how many were frozen or thawed; nil: they were already, or it is a dry run.
    package static func freeze(
        _ name: VMName, to wanted: FreezeState, from before: FreezeState, changed: Int64?, dryRun: Bool
    ) -> DeedReport {
        let count = changed.map { "\($0) file system\($0 == 1 ? "" : "s") \(wanted)" }
        return DeedReport(
            .freeze, name, dryRun: dryRun, count ?? (before == wanted ? "already \(wanted)" : "would be \(wanted)"),
            ["before": .string(before.rawValue), "changed": .optional(changed)],
            note: wanted == .frozen && changed == 0
                ? "the guest has no file system that its agent could freeze" : nil)
    }
}
