import SystemPackage

extension LaunchPlanner {
    /// Checks what other VMs use as well. If a running VM has it, this one can't start; if a stopped one has, it is
    /// noted.
    mutating func compareWithOtherVMs() {
        let name = facts.otherVMs.holders(of: .name(plan.name))
        if let other = running(name) { problem(plan.nameConflict(with: other)) }
        note("the name \(plan.name)", name)
        let uuid = plan.uuid.description
        let twins = facts.otherVMs.holders(of: .uuid(uuid))
        // Nothing on the host keeps them apart, but guests and DHCP servers may take one for the other.
        if let other = twins.first(where: { !isSelf($0) }) {
            plan.notices.append("\(other) has the same UUID, \(uuid): give one of them another")
        }
        compareAddresses()
        // If a running VM has them, other checks already find them in use.
        for tap in params.nics.compactMap(\.tap?.value) {
            note("the interface \(tap)", facts.otherVMs.holders(of: .interface(tap)))
        }
        noteForwards()
        noteMedia()
        noteMemory()
        noteOrder()
        plan.notices += facts.unseen.map {
            "the VMs there could not be checked for conflicts with this one: \($0.summary)"
        }
    }

    /// The same for the addresses of its NICs alone.
    mutating func compareAddresses() {
        for nic in plan.sharedAddresses {
            let holders = facts.otherVMs.holders(of: nic.address.station)
            if let other = running(holders) { problem(plan.addressConflict(nic, with: other)) }
            note("the MAC \(nic.mac) on \(nic.network)", holders)
        }
    }

    private func running(_ holders: some Sequence<OtherVM>) -> OtherVM? {
        holders.first { $0.isRunning && !isSelf($0) }
    }

    /// This VM may be among them, if all were read.
    private func isSelf(_ other: OtherVM) -> Bool {
        other.file == params.file || other.filePlace != nil && other.filePlace == facts.ownFile
    }

    private mutating func noteForwards() {
        for forward in params.forwards {
            note("\(forward.value.hostEnd.transport.rawValue) port", forward.value.hostEnd)
        }
        if let port = params.vnc.port { note("VNC's port", port) }
    }

    private mutating func note(_ what: String, _ port: HostPort) {
        let holders = facts.otherVMs.holders(of: port.claim).lazy.filter { $0.ports.contains(where: port.overlaps) }
        note("\(what) \(port.number)\(port.address.isEmpty ? "" : " on \(port.address)")", holders)
    }

    /// A VM that was renamed or removed is no longer waited for, and VMs that wait for one another start in any order.
    private mutating func noteOrder() {
        guard facts.knowsAllVMs, let after = params.service.after else { return }
        for name in after.value where facts.otherVMs.holders(of: .name(name)).isEmpty {
            plan.notices.append("\(place(after.origin)): there is no VM \(name)")
        }
        var (reached, next) = ([VMName](), after.value)
        while let name = next.popLast() {
            guard !reached.contains(name) else { continue }
            reached.append(name)
            next += facts.otherVMs.holders(of: .name(name)).flatMap(\.after)
        }
        guard reached.contains(plan.name) else { return }
        plan.notices.append("\(place(after.origin)): it leads back to this VM, so that none of them can be the first")
    }

    /// CDs and read-only disks can be shared.
    private mutating func noteMedia() {
        let disks = params.disks.map { (path: $0.path.value, isWritten: !$0.readOnly.value) }
        let cdroms = params.cdroms.compactMap(\.path.value).map { (path: $0, isWritten: false) }
        for own in disks + cdroms {
            guard let place = facts.images[own.path]?.place else { continue }
            note("\(own.path)", facts.otherVMs.holders(of: own.isWritten ? .file(place) : .written(place)))
        }
    }

    /// Notes stopped VMs that use the same thing. Only one is named, and only a few are counted.
    private mutating func note(_ what: String, _ holders: some Sequence<OtherVM>) {
        let rivals = holders.lazy.filter { [self] in !$0.isRunning && !isSelf($0) }.prefix(Self.mostRivals + 1)
        var others = 0
        var first: OtherVM?
        for rival in rivals {
            if first == nil { first = rival } else { others += 1 }
        }
        guard let first else { return }
        let rest = others == 0 ? "" : others == Self.mostRivals ? " and many more" : " and \(others) more"
        plan.notices.append("\(what) is also used by \(first)\(rest): only one of them can run at a time")
    }

    private static let mostRivals = 10

    /// Guests can have more memory together than the host has, as long as they don't use it.
    private mutating func noteMemory() {
        guard let ram = facts.hostMemory?.bytes, facts.otherVMs.count > 0 else { return }
        // This VM may be counted already.
        let selves = facts.ownFile.map { facts.otherVMs.holders(of: .definition($0)).map(\.isRunning) } ?? []
        let own = params.memory.value.bytes
        func total(_ others: Int64, isIn: Bool) -> ByteCount? {
            let (sum, overflow) = others.addingReportingOverflow(isIn ? 0 : own)
            return overflow || sum <= ram ? nil : ByteCount(bytes: sum)
        }
        if let sum = total(facts.otherVMs.memoryInUse, isIn: selves.contains(true)) {
            plan.notices.append(
                "this VM and the running ones have \(sum) of memory, but the host has \(ByteCount(bytes: ram))")
        } else if let sum = total(facts.otherVMs.memory, isIn: !selves.isEmpty) {
            plan.notices.append(
                "all VMs together have \(sum) of memory, but the host has \(ByteCount(bytes: ram)): not all can run at a time"
            )
        }
    }
}
