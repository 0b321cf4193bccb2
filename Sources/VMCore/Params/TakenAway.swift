/// Changes that take a thing away: what else describes it goes with it, as it would have nothing to be about.
extension ParamsEdit {
    /// The key of the thing that it takes away; nil: none.
    var takenAway: KeyName? {
        let thing = key.ofItsThing
        if isEmptying { return thing }
        // Without NETn=none there would be the default network.
        return key.key == .net && value == "none" ? thing : nil
    }

    /// The changes, and the removal of what describes the NICs that they take away, unless they set that themselves.
    static func withWhatGoes(_ edits: [ParamsEdit], in text: String) -> [ParamsEdit] {
        let gone = edits.filter { !$0.isEmptying }.compactMap(\.takenAway)
        guard !gone.isEmpty else { return edits }
        let named = Set(edits.map(\.key.ofItsThing))
        let going = GivenKeys(in: text).values.keys.filter { gone.contains($0.thing) && !named.contains($0) }
        return edits + going.sorted { $0.precedes($1) }.map { ParamsEdit($0, to: nil) }
    }
}
