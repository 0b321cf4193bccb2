import ArgumentParser
import VMCore

/// `kvmctl keys`.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", _superCommandName: Root.name,
        abstract: "List the keys of vm.params, and what each one is for.",
        discussion: "An `n` in a key stands for a number, as in DISK0. See vm.params(5) for more.")

    @OptionGroup var output: OutputOptions

    func run() {
        if output.json { return output.print(list: ParamsSchema.entries.map(\.json)) }
        var table = Table("KEY", "N", "PURPOSE")
        for entry in ParamsSchema.entries where entry.status != .notBuilt {
            let indices = entry.indices.map { "\($0.lowerBound)-\($0.upperBound)" } ?? ""
            table.add(entry.key.pattern, indices, entry.summary)
        }
        print(table.text)
    }
}

extension ParamsSchema.Entry {
    /// As JSON (docs/json.md, schema kvmctl.key/1).
    fileprivate var json: JSON {
        [
            "schema": "kvmctl.key/1", "key": .string(key.pattern), "group": .string(group.rawValue),
            "indices": .array((indices.map { [$0.lowerBound, $0.upperBound] } ?? []).map { .integer(Int64($0)) }),
            "needs": .optional(needs?.pattern), "isBuilt": .bool(status != .notBuilt), "example": .string(example),
            "summary": .string(summary),
        ]
    }
}
