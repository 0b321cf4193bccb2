import SystemPackage
import VMCore
import VMHost

/// Creates several VMs: all of them, or none.
package struct CreatingSeveral {
    /// The VMs.
    package let vms: [Creating]

    /// Plans them. Touches nothing.
    ///
    /// - Parameters:
    ///   - names: what the command line calls each.
    ///   - plan: plans the one with this number.
    /// - Throws: what keeps any of them from being created, each with its reason.
    package init(_ names: [String], plan: (Int) throws(VMError) -> Creating) throws(VMError) {
        var vms: [Creating] = []
        var faults: [VMError] = []
        for number in names.indices {
            do throws(VMError) {
                let vm = try plan(number)
                try vm.check()
                vms.append(vm)
            } catch { faults.append(error) }
        }
        faults += Self.twins(among: vms)
        guard faults.isEmpty else { throw Self.error(faults, of: names.count) }
        self.vms = vms
    }

    /// Refuses what another VM has. Touches nothing.
    ///
    /// - Returns: what could not be looked at, for people.
    package func refuseShared() throws(VMError) -> [String] {
        var (unseen, faults): ([String], [VMError]) = ([], [])
        for vm in vms {
            do throws(VMError) { unseen += try vm.refuseShared() } catch { faults.append(error) }
        }
        guard faults.isEmpty else { throw Self.error(faults, of: vms.count) }
        return unseen.merged
    }

    /// What the user should know, also about the space that the disks may come to need; said once where it is the same of
    /// all. To be read before the disks are created.
    package var notices: [String] {
        let all = vms.flatMap(\.plan.notices) + vms.flatMap(\.missing)
        guard let growth = vms.first?.context.growth else { return all.merged }
        return all.merged + SpaceCheck.warnings(vms.flatMap(\.images), besides: growth)
    }

    /// How much is copied from disks, in bytes that are no holes.
    package var copied: Int64 { vms.flatMap(\.images).reduce(0) { $0 + $1.copied.bytes } }

    /// Refuses to copy more than there is room for. Touches nothing.
    package func refuseLackOfRoom() throws(VMError) { try SpaceCheck.refuseLack(ofRoomFor: vms.flatMap(\.images)) }

    /// Creates them. On failure nothing of any of them remains.
    ///
    /// - Parameter copying: is told how far a copy of a disk is, and may end it.
    /// - Returns: what the user should know.
    package func create(by copying: DiskCopying = DiskCopying()) throws(VMError) -> [String] {
        let each = vms.map(UnfinishedVM.descriptors).max() ?? 0
        guard DescriptorLimit.room(for: vms.count, each: each) == vms.count else {
            throw VMError(
                .unavailable, "\(vms.count) VMs", "take more open files at once than this process may have",
                remedy: "create fewer at a time, or raise the limit (ulimit -n)")
        }
        let images = UntouchedImages()
        var new: [UnfinishedVM] = []
        do throws(VMError) {
            for vm in vms { new.append(try vm.prepared(sharing: images, by: copying)) }
            for vm in new { try vm.sync() }
            for vm in new { try vm.nameFiles() }
            for vm in vms { try vm.refuseWritten() }
            // Before they are there: no removal is to come between.
            let notices = vms.first?.context.site.noted.noting(vms.map(\.file)) ?? []
            for vm in new { try vm.nameParamsAlone() }
            for vm in new { try vm.syncNames() }
            return notices
        } catch {
            new.reversed().forEach { $0.remove() }
            var failure = error
            if vms.count > 1 { failure.details.append("None of the \(vms.count) VMs was created.") }
            throw failure
        }
    }

    /// What only one of them can have, with what says that it has it.
    private static func own(_ vm: Creating) -> [(thing: String, origin: Origin?)] {
        let params = vm.plan.params
        var own: [(thing: String, origin: Origin?)] = [
            ("the name \(params.name.value)", nil), ("the directory \(vm.place.directory)", nil),
        ]
        if let uuid = params.uuid { own.append(("the UUID \(uuid.value)", uuid.origin)) }
        own += params.nics.compactMap(\.mac).map { ("the MAC \($0.value)", $0.origin) }
        own += params.nics.compactMap(\.tap).map { ("the tap \($0.value)", $0.origin) }
        var ports = params.forwards.map { ($0.value.hostEnd, $0.origin) }
        if let port = params.vnc.port { ports.append((port, params.vnc.display.origin)) }
        own += ports.map { ("\($0.transport.rawValue) port \($0.number)", $1) }
        let made = Set(vm.images.map(\.path))
        let disks = params.disks.filter { !$0.readOnly.value && !made.contains($0.path.value) }
        return own + disks.map { ("the disk \($0.path.value)", $0.path.origin) }
    }

    /// Refuses what several of them would have. If a list says so, its content is wrong, and not the command line.
    private static func twins(among vms: [Creating]) -> [VMError] {
        var (faults, seen): ([VMError], [String: VMName]) = ([], [:])
        for vm in vms {
            let name = vm.plan.params.name.value
            for (thing, origin) in own(vm) {
                guard let other = seen.updateValue(name, forKey: thing) else { continue }
                let field = origin?.writtenKey.flatMap { vm.plan.fields[$0.ofItsThing] }
                faults.append(
                    VMError(
                        field == nil ? .usage : .badData, field ?? "\(name)",
                        "\(field == nil ? "" : "\(name) ")would have \(thing), and so would \(other)",
                        remedy: field == nil
                            ? "give each its own, as --list can, or leave it out" : "give each its own, or leave it out"
                    ))
            }
        }
        return faults
    }

    private static func error(_ faults: [VMError], of count: Int) -> VMError {
        guard count > 1, let first = faults.first else {
            return faults.first ?? VMError(.bug, "create", "was refused without a reason")
        }
        let lines = faults.map { fault in
            ([fault.summary] + fault.details.filter { $0 != NewVM.nothingCreated }).joined(separator: "\n  ")
        }
        let shown = lines.merged
        let rest = shown.count > 10 ? ["… and \(shown.count - 10) more"] : []
        return VMError(
            first.code, "", "\(min(faults.count, count)) of \(count) VMs can't be created",
            remedy: faults.count == 1 ? first.remedy : nil,
            details: Array(shown.prefix(10)) + rest + [NewVM.nothingCreated])
    }
}

extension [String] {
    /// Each once, in their order.
    fileprivate var merged: [String] {
        enumerated().filter { !self[..<$0.offset].contains($0.element) }.map(\.element)
    }
}
