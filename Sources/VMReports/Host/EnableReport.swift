import SystemPackage
import VMCore
import VMLife

/// `kvmctl enable` and `kvmctl disable`: whether a VM starts with the host now, or would.
package struct EnableReport: ObjectReport {
    private let name: VMName
    private let isEnabled: Bool
    private let isDryRun: Bool
    private let steps: [Enabling.Step]
    private let dropIn: FilePath?

    /// Reports on a VM.
    ///
    /// - Parameters:
    ///   - steps: What had to be done, or would have to be.
    ///   - dropIn: The file with what the VM's file says of its unit, if there is one.
    package init(_ name: VMName, enabled: Bool, steps: [Enabling.Step], dropIn: FilePath?, dryRun: Bool) {
        (self.name, isEnabled, isDryRun) = (name, enabled, dryRun)
        (self.steps, self.dropIn) = (steps, dropIn)
    }

    /// Whether a VM starts with the host.
    package var schema: Schema { .enable }

    /// The state, and whether it is a new one.
    package var members: Members {
        [
            "dryRun": .bool(isDryRun), "name": .string(name.description), "enabled": .bool(isEnabled),
            "changed": .bool(!steps.isEmpty), "dropIn": .optional(dropIn?.string),
        ]
    }

    /// One line; of a dry run one for each step.
    package var text: [TextBlock] {
        let state = isEnabled ? "enabled" : "disabled"
        guard !steps.isEmpty else { return ["\(name): already \(state)"] }
        guard isDryRun else { return ["\(name): \(state)"] }
        return steps.map { step in
            switch step {
            case .write(let path, let text): .lines("\(name): would write \(path):\n\(text)")
            case .remove(let path): "\(name): would remove \(path)"
            case .systemctl(let words): "\(name): would run \(ShellCommand(words: ["systemctl"] + words))"
            }
        }
    }
}
