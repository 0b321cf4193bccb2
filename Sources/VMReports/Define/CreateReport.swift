import SystemPackage
import VMCore
import VMHost

/// `kvmctl create`: what was created, or would be.
package struct CreateReport: ObjectReport {
    private let isDryRun: Bool
    private let name: VMName
    private let file: FilePath
    private let paramsText: String
    private let root: FilePath?
    private let disks: [SparseDisk]

    /// Reports a new VM.
    ///
    /// - Parameters:
    ///     - name: Its name.
    ///     - file: Its params file.
    ///     - paramsText: The text of that file.
    ///     - root: The directory of VMs, if that is new too.
    ///     - disks: Its disks.
    package init(
        isDryRun: Bool, name: VMName, file: FilePath, paramsText: String, root: FilePath?, disks: [SparseDisk]
    ) {
        self.isDryRun = isDryRun
        self.name = name
        self.file = file
        self.paramsText = paramsText
        self.root = root
        self.disks = disks
    }

    /// What a new VM is.
    package var schema: Schema { .create }

    /// What there is of it.
    package var members: Members {
        [
            "name": .string(name.description), "dryRun": .bool(isDryRun), "params": .string(file.string),
            "text": .string(paramsText),
            "root": .optional(root?.string),
            "disks": .array(
                disks.map {
                    [
                        "path": .string($0.path.string), "size": .int($0.size.bytes),
                        "format": .string($0.format.rawValue),
                    ]
                }),
        ]
    }

    /// A line for each file, and for a dry run what would be in it.
    package var text: [TextBlock] {
        let root = [root].compactMap(\.self)
        guard isDryRun else { return (root + [file] + disks.map(\.path)).map { .lines("created \($0)") } }
        let steps =
            root.map { "create \($0)" }
            + disks.map { "create \($0.path), \($0.format == .raw ? "sparse" : $0.format.rawValue), \($0.size)" }
        // The file ends its last line itself.
        let lines = paramsText.hasSuffix("\n") ? paramsText.dropLast() : paramsText[...]
        return steps.map { .lines($0) } + ["write \(file):\n\(lines)"]
    }
}
