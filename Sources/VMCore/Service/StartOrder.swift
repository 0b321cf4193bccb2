/// In which order VMs start, and how long they wait for one another.
package enum StartOrder {
    /// How long, from its own start, a VM is waited for by those after it, until its guest agent answers.
    package static let patience = Duration.seconds(60)

    /// The order where no service manager orders them: each VM after those that it names, else by name. Names of VMs that are not among them do not matter.
    ///
    /// - Returns: all of them, and a fault if some wait for one another: these start all the same, for nothing else would
    ///   end the wait.
    package static func of(_ vms: [(name: VMName, after: [VMName])]) -> (order: [VMName], fault: VMError?) {
        let after = Dictionary(vms.map { ($0.name, $0.after) }, uniquingKeysWith: { first, _ in first })
        var rest = after.keys.sorted { $0.description < $1.description }
        var order: [VMName] = []
        var fault: VMError?
        while !rest.isEmpty {
            let ready = rest.first { name in
                after[name, default: []].allSatisfy { after[$0] == nil || order.contains($0) }
            }
            if ready == nil, fault == nil {
                fault = VMError(
                    .badData, rest.map(\.description).joined(separator: ", "), "wait for one another",
                    remedy: "change START_AFTER in one of their files")
            }
            let next = ready ?? rest[0]
            order.append(next)
            rest.removeAll { $0 == next }
        }
        return (order, fault)
    }
}
