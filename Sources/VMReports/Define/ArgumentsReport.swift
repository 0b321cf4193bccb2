import VMCore

/// `kvmctl explain`: QEMU's arguments, and where each comes from.
package struct ArgumentsReport: Report {
    /// Which arguments are told of.
    package enum Selection: Sendable {
        case all
        /// Those that not every VM has. Programs are told of all.
        case own
        /// Those that come from a key, or from one that says more about the same thing.
        case only(KeyName)
    }

    private let executable: String
    private let groups: [ArgumentGroup]
    private let notices: [String]
    private let hidesCommon: Bool

    /// Reports the command line of a plan.
    package init(_ plan: LaunchPlan, _ selection: Selection = .all) {
        (executable, notices) = (plan.executable, plan.notices)
        hidesCommon = if case .own = selection { true } else { false }
        groups =
            if case .only(let key) = selection { plan.arguments.filter { $0.comes(from: key) } } else {
                plan.arguments
            }
    }

    /// Whether there is nothing to tell.
    package var isEmpty: Bool { groups.isEmpty }

    /// What a group of arguments is.
    package var schema: Schema { .argument }

    /// An object for each group.
    package var content: Content {
        .array(
            groups.map {
                [
                    "words": .strings($0.words), "purpose": .string($0.purpose),
                    "origins": .strings($0.origins.map(\.text)),
                ]
            })
    }

    /// QEMU, and two lines for each group.
    package var text: [TextBlock] {
        let first: TextBlock = "\(ShellCommand(words: [executable]))"
        return [first]
            + groups.filter { !hidesCommon || !$0.isCommon }.flatMap { group -> [TextBlock] in
                let origins = group.origins.map(\.text).joined(separator: "; ")
                return ["  \(ShellCommand(words: group.words))", "      \(group.purpose) — \(origins)"]
            }
    }

    /// What the user should know about the plan.
    package var remarks: [String] { notices }
}

extension ArgumentGroup {
    /// Whether every VM has it.
    fileprivate var isCommon: Bool { origins.allSatisfy { if case .everyVM = $0 { true } else { false } } }

    /// Whether it comes from this key, or from one such as DISK0_SIZE for DISK0.
    fileprivate func comes(from wanted: KeyName) -> Bool {
        origins.contains { origin in
            switch origin {
            case .line(_, let key), .included(_, _, let key), .standard(let key):
                key == wanted || "\(key)".hasPrefix("\(wanted)_")
            case .everyVM, .derived, .option, .host: false
            }
        }
    }
}

extension Origin {
    fileprivate var text: String {
        switch self {
        case .line(let number, let key): "line \(number), \(key)"
        case .included(let file, let number, let key): "line \(number) of \(file), \(key)"
        case .standard(let key): "\(key), its default"
        case .everyVM: "default of every VM"
        case .derived(let text): text
        case .option(let name): name
        case .host(let fact): "the host: \(fact)"
        }
    }
}
