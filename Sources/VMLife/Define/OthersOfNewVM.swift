import BridgeNet
import SystemPackage
import VMCore
import VMHost

// What a new VM can't share with others, and what it takes from one.
extension Creating {
    /// Refuses what another VM has, whether it runs or not. Touches nothing.
    ///
    /// - Returns: what could not be looked at, for people.
    /// - Throws: `.cannotCreate` for a name, `.busy` for anything else, with the other VM's file.
    package func refuseShared() throws(VMError) -> [String] {
        let params = plan.params
        do throws(VMError) { try context.site.refuseTaken(params.name.value, in: context) } catch {
            if error.code == .cannotCreate { throw error }
            return ["the VMs there could not be checked for the same name and MACs: \(error.summary)"]
        }
        let others = try context.otherVMs(besides: [])
        let own = params.nics.compactMap(\.mac?.value)
        let macs = Set(own.map(\.description))
        let uuid = params.uuid?.value.description
        for other in others {
            if let mac = other.addresses.map(\.mac).first(where: macs.contains) { throw taken("the MAC \(mac)", other) }
            if let uuid, other.uuid == uuid { throw taken("the UUID \(uuid)", other) }
        }
        for mac in own { if let other = context.writtenMACs[mac] { throw taken("the MAC \(mac)", other) } }
        try refuseMedia(of: others)
        let shared = try sharedPorts(with: others)
        return shared + context.unseen.map { "the VMs there could not be checked for the same MACs: \($0.summary)" }
    }

    /// Refuses a disk that is not made anew, if another VM has it and one of the two writes to it.
    private func refuseMedia(of others: [OtherVM]) throws(VMError) {
        let new = Set(plan.disks.map(\.path))
        for disk in plan.params.disks where !new.contains(disk.path.value) {
            guard let place = FilePlace(of: disk.path.value) else { continue }
            let other = others.first { other in
                other.media.contains { $0.place == place && ($0.isWritten || !disk.readOnly.value) }
            }
            if let other { throw taken("DISK\(disk.index), \(disk.path.value),", other) }
        }
    }

    /// Refuses a host port that a running VM listens on, and tells of one that another VM will want.
    private func sharedPorts(with others: [OtherVM]) throws(VMError) -> [String] {
        var shared: [String] = []
        for port in plan.params.forwards.map(\.value.hostEnd) + [plan.params.vnc.port].compactMap(\.self) {
            let holders = others.filter { $0.ports.contains(where: port.overlaps) }
            let what = "\(port.transport.rawValue) port \(port.number)"
            if let other = holders.first(where: \.isRunning) { throw taken(what, other) }
            if let other = holders.first {
                shared.append("\(what) is also used by \(other): only one of them can run at a time")
            }
        }
        return shared
    }

    /// Files without which it does not start, and which may yet come.
    var missing: [String] {
        let (params, new) = (plan.params, Set(plan.disks.map(\.path)))
        let disks = params.disks.filter { $0.size == nil && !new.contains($0.path.value) }
        let kernel = [params.kernel?.image, params.kernel?.initrd].compactMap(\.self)
        let discs = params.cdroms.compactMap { disc in disc.path.value.map { Setting($0, disc.path.origin) } }
        let shares = params.shares.map { Setting($0.directory.value.path, $0.directory.origin) }
        let own = Set(plan.files.map(\.path))
        let small = (params.cloudInit?.files ?? []) + [params.vnc.passwordFile].compactMap(\.self)
        return (kernel + disks.map(\.path) + discs + small + shares).filter { !own.contains($0.value) }
            .compactMap {
                switch ImageFacts(probing: $0.value, context.trust) {
                case .missing, .directoryMissing:
                    "\($0.origin.writtenKey.map { "\($0): " } ?? "")\($0.value) does not exist: the VM starts only once it is there"
                default: nil
                }
            }
    }

    /// Refuses a file that `--set` names by a path that starts where the caller is: in a params file it starts at the VM's
    /// directory.
    func refuseMisplaced(_ settings: [String]) throws(VMError) {
        let sized = Set(plan.params.disks.filter { $0.size != nil }.map { KeyName(.disk, $0.index) })
        for edit in settings.compactMap({ try? ParamsEdit($0) }) {
            guard Self.files.contains(edit.key.key), !sized.contains(edit.key), let value = edit.value,
                !value.isEmpty, !value.hasPrefix("/")
            else { continue }
            let (meant, named) = (absolutePath(value), place.directory.pushing(FilePath(value)))
            let (isHere, isThere): (Bool, Bool)
            do throws(Errno) { (isHere, isThere) = try (VMHost.isThere(meant), VMHost.isThere(named)) } catch {
                continue
            }
            guard isHere, !isThere else { continue }
            throw VMError(
                .usage, "--set \(edit.key)", "\(value) starts at the new VM's directory, where there is no such file",
                remedy: "give its whole path: --set \(ParamsLine(edit.key.description, meant.string))")
        }
    }

    /// The keys whose values are paths of files that have to be there.
    private static let files: Set<ParamsKey> = [
        .disk, .cdrom, .kernel, .initrd, .cloudInitUserData, .cloudInitNetwork, .vncPasswordFile,
    ]

    private func taken(_ what: String, _ other: OtherVM) -> VMError {
        VMError(
            .busy, "\(plan.params.name.value)", "\(what) is taken by \(other)",
            remedy: "nothing was created; choose another, or leave it out")
    }
}

extension PlanningContext {
    /// A UUID whose MACs no other VM has.
    func freeUUID() -> UUID {
        while true {
            let uuid = UUID.random()
            let macs = ParamsSchema.indices(of: .net).map { Identity.mac(uuid: uuid, nic: $0) }
            guard macs.allSatisfy({ writtenMACs[$0] == nil }), chosenMACs.isDisjoint(with: macs) else { continue }
            chosenMACs.formUnion(macs)
            return uuid
        }
    }
}
