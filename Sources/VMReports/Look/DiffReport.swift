import SystemPackage
import VMCore
import VMLife

/// `kvmctl diff`: in what a running VM differs from its file.
package struct DiffReport: ObjectReport {
    /// A difference.
    package let schema = Schema.diff
    private let name: VMName
    private let file: FilePath
    private let difference: FileDifference

    /// Reports on a VM.
    package init(_ name: VMName, file: FilePath, _ difference: FileDifference) {
        (self.name, self.file, self.difference) = (name, file, difference)
    }

    /// The keys that differ, and what the file does not know of.
    package var members: Members {
        [
            "name": .string(name.description), "params": .string(file.string),
            "running": .bool(difference.isRunning),
            "changes": .array(
                difference.keys.map {
                    [
                        "key": .string("\($0.key)"), "running": .optional($0.before), "file": .optional($0.after),
                    ]
                }),
            "added": .strings(difference.added), "removed": .strings(difference.removed),
            "addedNICs": .strings(difference.addedNICs), "removedNICs": .strings(difference.removedNICs),
            "seedChanged": difference.isSeedChanged.map(JSON.bool) ?? .null,
            "adopted": .bool(difference.isAdopted),
        ]
    }

    /// A line for each.
    package var text: [TextBlock] {
        guard difference.isRunning else { return ["\(name): not running"] }
        let width = difference.keys.map { "\($0.key)".count }.max() ?? 0
        let keys = difference.keys.map { key in
            let gap = String(repeating: " ", count: width - "\(key.key)".count + 2)
            return "\(key.key)\(gap)\(Self.shown(key.before)) → \(Self.shown(key.after))"
        }
        let added = difference.added.map(\.string) + difference.addedNICs.map(\.description)
        let removed = difference.removed.map(\.string) + difference.removedNICs.map(\.description)
        var lines =
            keys + added.map { "\($0) is attached for this run only" }
            + removed.map { "\($0) is detached for this run only" }
        switch difference.isSeedChanged {
        case true:
            lines.append("the files of its seed for cloud-init have changed: its next start is that of a new instance")
        case nil: lines.append("the files of its seed for cloud-init can't be read, and may have changed")
        case false: break
        }
        if difference.isAdopted {
            lines.append(
                "it was adopted: what it runs with besides is not known; kvmctl adopt said what its file lacks")
        }
        return lines.isEmpty ? ["\(name): runs as its file says"] : lines.map { "\(name): \($0)" }
    }

    private static func shown(_ value: String?) -> String { value.map { ShellCommand.singleQuoted($0) } ?? "(default)" }
}
