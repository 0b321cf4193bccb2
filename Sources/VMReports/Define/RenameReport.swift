import SystemPackage
import VMCore

/// `kvmctl rename`: what was done to give a VM another name, or would be.
package struct RenameReport: ObjectReport {
    /// A renamed VM.
    package let schema = Schema.rename
    /// Both names, the file and the steps.
    package let members: Members
    /// One line; for a dry run one for each step.
    package let text: [TextBlock]

    /// Reports a new name.
    ///
    /// - Parameters:
    ///     - file: Its params file from now on.
    ///     - steps: What is done for it.
    package init(_ name: VMName, to new: VMName, file: FilePath, isDryRun: Bool, steps: [String]) {
        members = [
            "dryRun": .bool(isDryRun), "name": .string(new.description), "before": .string(name.description),
            "params": .string(file.string), "steps": .strings(steps),
        ]
        text =
            isDryRun
            ? steps.map { "\(name): would \($0)" } : ["\(name): is called \(new) from now on; its file is \(file)"]
    }
}
