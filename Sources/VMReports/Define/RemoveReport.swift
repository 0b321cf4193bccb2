import SystemPackage
import VMCore

/// `kvmctl rm`: which files of a VM were removed, or would be, and which were kept.
package struct RemoveReport: ObjectReport {
    private let name: VMName
    private let isDryRun: Bool
    private let removed: [FilePath]
    private let kept: [(path: FilePath, why: String)]

    /// Reports a removal.
    ///
    /// - Parameter kept: What was not removed, and why.
    package init(_ name: VMName, isDryRun: Bool, removed: [FilePath], kept: [(path: FilePath, why: String)]) {
        self.name = name
        self.isDryRun = isDryRun
        self.removed = removed
        self.kept = kept
    }

    /// What a removal is.
    package var schema: Schema { .remove }

    /// The paths.
    package var members: Members {
        [
            "dryRun": .bool(isDryRun), "name": .string(name.description), "removed": .strings(removed),
            "kept": .strings(kept.map(\.path)),
        ]
    }

    /// A line for each path.
    package var text: [TextBlock] {
        removed.map { "\(name): \(isDryRun ? "would remove" : "removed") \($0)" }
            + kept.map { "\(name): kept \($0.path): \($0.why)" }
    }
}
