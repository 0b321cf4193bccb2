import SystemPackage
import VMCore
import VMLife

/// `kvmctl suspend`: where a VM's memory was saved, or would be.
package struct SuspendReport: ObjectReport {
    private let name: VMName
    private let result: Result

    private enum Result {
        case planned(FilePath, atMost: ByteCount)
        case saved(FilePath, ByteCount)
        case already(isDryRun: Bool)
    }

    /// Reports a suspend.
    ///
    /// - Parameters:
    ///   - task: What there was to do, for a dry run.
    ///   - outcome: The result; nil for a dry run.
    package init(_ name: VMName, _ task: Suspending.Task, outcome: Suspending.Outcome?) {
        self.name = name
        result =
            switch (outcome, task) {
            case (let outcome?, _): outcome.size.map { .saved(outcome.memory, $0) } ?? .already(isDryRun: false)
            case (nil, .save(let memory, let most)): .planned(memory, atMost: most)
            case (nil, .alreadySuspended): .already(isDryRun: true)
            }
    }

    /// What a suspend is.
    package var schema: Schema { .suspend }

    /// The result, the file and its size.
    package var members: Members {
        let (isDryRun, word, file, size): (Bool, String?, FilePath?, ByteCount?) =
            switch result {
            case .planned(let file, let most): (true, nil, file, most)
            case .saved(let file, let size): (false, "suspended", file, size)
            case .already(let isDryRun): (isDryRun, "alreadySuspended", nil, nil)
            }
        return [
            "dryRun": .bool(isDryRun), "name": .string(name.description), "result": .optional(word),
            "state": .optional(file?.string), "size": .optional(size?.bytes),
        ]
    }

    /// One line.
    package var text: [TextBlock] {
        switch result {
        case .planned(let file, let most):
            ["\(name): would be suspended: its memory is written to \(file), at most \(most)"]
        case .saved(let file, let size): ["\(name): suspended, \(size) in \(file)"]
        case .already: ["\(name): already suspended"]
        }
    }
}
