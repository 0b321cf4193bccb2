/// In which order VMs start, where no service manager orders them.
package enum StartOrder {
    /// VMs, each after those that it names, else by name. Names of VMs that are not among them do not matter.
    ///
    /// - Throws: `.badData` if some wait for one another.
    package static func of(_ vms: [(name: VMName, after: [VMName])]) throws(VMError) -> [VMName] {
        let after = Dictionary(vms.map { ($0.name, $0.after) }, uniquingKeysWith: { first, _ in first })
        var rest = after.keys.sorted { $0.description < $1.description }
        var order: [VMName] = []
        while !rest.isEmpty {
            let ready = rest.first { name in
                after[name, default: []].allSatisfy { after[$0] == nil || order.contains($0) }
            }
            guard let ready else {
                throw VMError(
                    .badData, rest.map(\.description).joined(separator: ", "), "wait for one another",
                    remedy: "change START_AFTER in one of their files")
            }
            order.append(ready)
            rest.removeAll { $0 == ready }
        }
        return order
    }
}
