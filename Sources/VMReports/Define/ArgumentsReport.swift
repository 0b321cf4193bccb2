import VMCore

/// `kvmctl explain`: QEMU's arguments, and where each comes from.
package struct ArgumentsReport: Report {
    private let executable: String
    private let groups: [ArgumentGroup]
    private let notices: [String]

    /// Reports the command line of a plan.
    package init(_ plan: LaunchPlan) {
        (executable, groups, notices) = (plan.executable, plan.arguments, plan.notices)
    }

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
            + groups.flatMap { group -> [TextBlock] in
                let origins = group.origins.map(\.text).joined(separator: "; ")
                return ["  \(ShellCommand(words: group.words))", "      \(group.purpose) — \(origins)"]
            }
    }

    /// What the user should know about the plan.
    package var remarks: [String] { notices }
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
