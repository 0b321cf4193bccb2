import SystemPackage
import VMCore
import VMLife

/// `kvmctl set` and `kvmctl edit`: what became of the keys of a params file, or would.
package struct SetReport: ObjectReport {
    /// A change.
    package let schema = Schema.set
    private let name: VMName
    private let file: FilePath
    private let isDryRun: Bool
    private let keys: [FileChange.Key]
    private let isSaved: Bool

    /// Reports a change.
    ///
    /// - Parameter isSaved: whether something else than keys was saved, such as a comment.
    package init(_ name: VMName, file: FilePath, isDryRun: Bool, _ keys: [FileChange.Key], isSaved: Bool = false) {
        (self.name, self.file, self.isDryRun, self.keys) = (name, file, isDryRun, keys)
        self.isSaved = isSaved
    }

    /// The file, and each key.
    package var members: Members {
        [
            "dryRun": .bool(isDryRun), "name": .string(name.description), "params": .string(file.string),
            "changes": .array(keys.map(\.report)),
        ]
    }

    /// A line for each key.
    package var text: [TextBlock] {
        guard !keys.isEmpty else { return ["\(name): \(isSaved ? "saved; no key has changed" : "nothing changed")"] }
        return keys.map { "\(name): \($0.words(isDryRun: isDryRun))" }
    }
}

extension FileChange.Key {
    fileprivate var report: JSON {
        let running: String? = if case .pending(let running) = effect { running } else { nil }
        return [
            "key": .string("\(name)"), "before": .optional(before), "after": .optional(after),
            "effect": .string(effect.word), "running": .optional(running),
        ]
    }

    /// `CPUS=4 from the next start (running with 2)`.
    fileprivate func words(isDryRun: Bool) -> String {
        if before == after, let after, let included {
            // Only a removal names a key that the file itself does not set.
            return "\(line(after)) stays: it is from \(included); \(name)=VALUE in the VM's own file goes before it"
        }
        guard before != after else { return "\(after.map(line) ?? "no \(name)") already\(laterWords)" }
        let what =
            if let after {
                "\(isDryRun ? "would set " : "")\(line(after))\(included.map { ", from \($0)" } ?? "")"
            } else {
                isDryRun ? "would remove \(name)" : "removed \(name)"
            }
        return what + newWords
    }

    private func line(_ value: String) -> String { "\(ParamsLine(name, value))" }

    /// When a new value holds.
    private var newWords: String {
        switch effect {
        case .saved: before.map { " (was \(quoted($0)))" } ?? ""
        case .applied: appliedWords
        case .asRunning: ", which it runs with"
        case .pending: laterWords
        case .unknown: " from the next start"
        }
    }

    private var laterWords: String {
        guard case .pending(let running) = effect else { return effect == .applied ? appliedWords : "" }
        return " from the next start (running with \(running.map(quoted) ?? "the default"))"
    }

    /// What kvmctl reads when the host starts means nothing before.
    private var appliedWords: String {
        [.autostart, .autostartDelay, .startAfter].contains(name.key) ? ", when the host starts" : ", at once"
    }

    private func quoted(_ value: String) -> String { ShellCommand.singleQuoted(value) }
}

extension FileChange.Effect {
    fileprivate var word: String {
        switch self {
        case .saved: "saved"
        case .applied: "applied"
        case .asRunning: "asRunning"
        case .pending: "pending"
        case .unknown: "unknown"
        }
    }
}
