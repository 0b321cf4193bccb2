import VMCore

/// `kvmctl keys`: the keys of vm.params.
package struct KeysReport: Report {
    private let entries: [ParamsSchema.Entry]

    /// Reports these keys, in this order.
    package init(_ entries: [ParamsSchema.Entry]) { self.entries = entries }

    /// What a key is.
    package var schema: Schema { .key }

    /// An object for each key.
    package var content: Content { .array(entries.map(\.members)) }

    /// A row for each key that this version supports.
    package var text: [TextBlock] {
        var table = Table("KEY", "N", "PURPOSE")
        for entry in entries where entry.status != .notBuilt {
            let indices = entry.indices.map { "\($0.lowerBound)-\($0.upperBound)" } ?? ""
            table.add(entry.key.pattern, indices, entry.summary)
        }
        return [.table(table)]
    }
}

extension ParamsSchema.Entry {
    fileprivate var members: Members {
        [
            "key": .string(key.pattern), "group": .string(group.rawValue),
            "indices": .array((indices.map { [$0.lowerBound, $0.upperBound] } ?? []).map { .int($0) }),
            "needs": .optional(needs?.pattern), "isBuilt": .bool(status != .notBuilt), "example": .string(example),
            "summary": .string(summary),
        ]
    }
}
