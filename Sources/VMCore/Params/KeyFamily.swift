/// Where a new key belongs in a file: next to the keys that a person reads together with it.
extension KeyName {
    /// How closely two keys are related, from not related to closest.
    private enum Relation: Comparable {
        case none
        /// In the same chapter of the reference: MEMORY for CPUS.
        case chapter
        /// The same kind of thing, with a higher number: DISK2 for DISK1.
        case family
        /// The same kind of thing, with a lower number: DISK0 for DISK1.
        case predecessor
        /// The same thing: DISK1_FORMAT for DISK1_SIZE.
        case same
    }

    /// The line that a new line for this key goes after: the last of the most closely related ones.
    ///
    /// - Parameter lines: the key of each line, or nil where the schema does not know it.
    /// - Returns: an index into `lines`, or nil if no line is related.
    func neighbour(among lines: [KeyName?]) -> Int? {
        let relations = lines.map { $0.map(relation) ?? .none }
        guard let closest = relations.max(), closest > .none else { return nil }
        return relations.lastIndex(of: closest)
    }

    private func relation(_ other: KeyName) -> Relation {
        guard let (chapter, thing) = place, let (otherChapter, otherThing) = other.place else { return .none }
        if thing == otherThing { return .same }
        if thing.key == otherThing.key { return otherThing.index ?? 0 < thing.index ?? 0 ? .predecessor : .family }
        return chapter == otherChapter ? .chapter : .none
    }

    /// The chapter of the reference, and the key of the thing that this key describes: DISK1 for DISK1_SIZE.
    private var place: (ParamsSchema.Group, KeyName)? {
        guard case .entry(let entry, _) = ParamsSchema.find(description) else { return nil }
        switch key {
        // Short forms of NET0_MAC and NET0.
        case .mac, .bridge: return (entry.group, KeyName(.net, 0))
        default: return (entry.group, KeyName(entry.needs ?? key, index))
        }
    }
}
