// What the user of a model should know: what a new VM does not have from it, and what it has as it is there.
extension ModelVM {
    /// What the user should know.
    ///
    /// - Parameters:
    ///   - newDisks: those that are made anew and empty.
    ///   - edits: what its lines become.
    ///   - named: the keys that `--set` sets.
    func notices(
        of newDisks: [Int], _ own: [KeyName: String], _ edits: [ParamsEdit], setting named: Set<KeyName>
    ) -> [String] {
        var notices = isCloned ? noticesOfClone(newDisks, own, setting: named) : []
        let keys = newDisks.map { "DISK\($0)" }.joined(separator: ", ")
        if !newDisks.isEmpty, !isCloned {
            let name = params.name.value
            let way =
                "to have copies or overlays, make \(name) a template: \(command: "kvmctl set \(name) TEMPLATE=yes")"
            notices.append(
                "\(keys): new and empty; what is on the disks of \(file) is not copied"
                    + (params.template.value ? "" : "; \(way)"))
        }
        if params.template.value, params.disks.isEmpty, !isCloned {
            notices.append("the template \(file) has no disks, so there is nothing that VMs of it could stand on")
        }
        let left = edits.filter { $0.value == nil && [.forward, .netTap].contains($0.key.key) }.map { "\($0.key)" }
        if !left.isEmpty {
            notices.append("left out, as only one VM can have it: \(left.joined(separator: ", ")) of \(file)")
        }
        // They tell VMs apart, or decide what is done to one.
        let kept: [ParamsKey] = [.description, .protect, .autostart]
        let same = kept.map { KeyName($0) }.filter { own[$0] != nil && !named.contains($0) }
        if !same.isEmpty, !isCloned {
            let keys = same.map { "\($0)" }.joined(separator: ", ")
            notices.append("as in \(file): \(keys); --set \(same[0])= leaves \(same[0]) out")
        }
        if edits.contains(where: { $0.key.key == .vncDisplay && $0.value != nil }) {
            notices.append("VNCDISP=auto, as only one VM can have display \(own[KeyName(.vncDisplay)] ?? "")")
        }
        return notices
    }

    /// The same of a copy alone.
    private func noticesOfClone(
        _ newDisks: [Int], _ own: [KeyName: String], setting named: Set<KeyName>
    ) -> [String] {
        var notices: [String] = []
        if !newDisks.isEmpty {
            let keys = newDisks.map { "DISK\($0)" }.joined(separator: ", ")
            notices.append("\(keys) of \(file): not there yet, and so new and empty in the copy too")
        }
        let left = [ParamsKey.protect, .autostart].map { KeyName($0) }.filter { own[$0] != nil && !named.contains($0) }
        if !left.isEmpty {
            let keys = left.map { "\($0)" }.joined(separator: ", ")
            notices.append("not copied: \(keys) of \(file); --set \(left[0])=yes sets \(left[0]) too")
        }
        return notices
    }
}
