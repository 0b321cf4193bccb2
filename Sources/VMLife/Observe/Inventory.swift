import SystemPackage
import VMCore
import VMHost

/// All VMs: those defined under the roots, and the running ones.
package struct Inventory: Sendable {
    let paths: Paths
    /// Which other users may be running a VM that the caller is not running.
    let others: OtherUsers

    /// Looks in these places.
    package init(_ paths: Paths, others: OtherUsers = .none) {
        self.paths = paths
        self.others = others
    }

    /// The VMs that were found.
    package struct Listing: Sendable {
        /// Every VM, sorted by name.
        package var entries: [VMEntry]
        /// What could not be read: there may be more VMs there.
        package var unseen: [VMError] = []
    }

    /// Every VM.
    ///
    /// - Parameter asking: whether running VMs are asked for their state, all at once and for at most 250 ms in all.
    ///   One that hangs shows as `unresponsive`.
    package func listing(asking: Bool = true) -> Listing {
        let locator = VMLocator(paths)
        let defined = locator.definitions()
        var listing = Listing(entries: [], unseen: defined.unseen)
        var started: [VMName] = []
        var strays: [VMName]?
        do throws(VMError) {
            started = try locator.startedNames()
            strays = try locator.strayNames(besides: started)
        } catch { listing.unseen.append(error) }
        // If they can't be listed, each VM has to be looked for.
        let traces = strays.map { NamesWithFiles(names: started + $0, others) }
        listing.entries = defined.files.concurrentMap { entry(defined: $0, traces: traces) }
        let listed = Listed(listing.entries)
        // A stray VM that is defined is already listed as such.
        for name in started + (strays ?? []).filter({ !listed.names.contains($0.description) }) {
            if let entry = elsewhere(name, besides: listed) { listing.entries.append(entry) }
        }
        if asking { ask(&listing.entries) }
        listing.entries.sort { $0.name != $1.name ? $0.name < $1.name : $0.file.string < $1.file.string }
        return listing
    }

    /// The VMs under the roots.
    private final class Listed {
        let names: Set<String>
        let files: Set<FilePath>
        private(set) lazy var index = FileIndex(Array(files), by: \.self)

        init(_ entries: [VMEntry]) {
            names = Set(entries.map(\.name))
            files = Set(entries.map(\.file))
        }
    }

    /// The entry of a VM whose file is not under the roots; nil if it is listed already, or was shut down in order.
    private func elsewhere(_ name: VMName, besides listed: Listed) -> VMEntry? {
        let isNamed = listed.names.contains(name.description)
        do throws(VMError) {
            let manifest = try Manifest.read(RuntimeDirectory(name, in: paths))
            if let manifest, listed.files.contains(manifest.file) { return nil }
            let seen = Observation(name, in: paths)
            guard seen.state != .stopped else { return nil }
            guard let manifest else {
                return seen.state == .crashed || isNamed ? nil : VMEntry(name, seen, in: paths)
            }
            if try listed.index.value(of: manifest.file) != nil { return nil }
            return VMEntry(manifest, seen, in: paths)
        } catch {
            return isNamed ? nil : VMEntry(name, Observation(state: .unknown, obstacle: error), in: paths)
        }
    }

    /// The places that hold a VM's logs.
    ///
    /// - Throws: `.denied` if another user runs the VM, whose logs may be anywhere.
    package func place(of vm: VMReference) throws(VMError) -> Paths {
        let sighting = look(vm)
        if sighting.isUsers { try refuse(vm, sighting) }
        return sighting.place
    }

    /// Refuses a VM that another user started: saying that it is not running would be wrong.
    ///
    /// - Throws: `.denied`; why it can't be told.
    package func refuseAnothers(_ vm: VMReference) throws(VMError) {
        let sighting = look(vm)
        if sighting.isAnothers { try refuse(vm, sighting) }
    }

    private func refuse(_ vm: VMReference, _ sighting: Sighting) throws(VMError) {
        guard sighting.seen.state.isAlive || sighting.seen.state == .unknown else { return }
        // A lack of permission is reported below; any other obstacle is reported as it is.
        if let obstacle = sighting.seen.obstacle, obstacle.code != .denied { throw obstacle }
        throw VMError(
            .denied, vm.name.description,
            sighting.seen.state.isAlive
                ? "another user is running it" : "another user may be running it, where you may not look",
            remedy: sighting.isElsewhere
                ? "run kvmctl as that user, with the KVMCTL_RUN or XDG_RUNTIME_DIR that it was started with"
                : "run kvmctl as that user: its run-time files are in \(sighting.place.machine(vm.name))")
    }

    /// Whether the VM may be running, so that what it needs may be in use by itself. True if the caller may not look.
    /// Does not ask QEMU.
    ///
    /// - Throws: why it can't be told, for any other reason.
    package func mayRun(_ vm: VMReference) throws(VMError) -> Bool {
        let sighting = look(vm)
        if sighting.seen.state == .unknown {
            if let obstacle = sighting.seen.obstacle, obstacle.code != .denied { throw obstacle }
            return true
        }
        // For another user's VM the file was compared already.
        guard sighting.seen.state.isAlive, !sighting.isAnothers else { return sighting.seen.state.isAlive }
        return try RuntimeDirectory(vm.name, in: paths).isRunning(vm.file)
    }

    /// One VM, by its params file.
    package func entry(_ reference: VMReference) -> VMEntry {
        var entries = [entry(defined: reference.file, knownName: reference.name)]
        ask(&entries)
        return entries[0]
    }

    private func entry(defined file: FilePath, knownName: VMName? = nil, traces: NamesWithFiles? = nil) -> VMEntry {
        let read: Result<VMParams, VMError>
        do throws(VMError) { read = .success(try VMFile.glance(at: file)) } catch { read = .failure(error) }
        let params = try? read.get()
        let name = knownName ?? params?.name.value ?? VMParams.defaultName(of: file)
        let sighting = name.map { look($0, file, traces) { params?.disks.map(\.path.value) ?? [] } }
        var entry = VMEntry(file: file, name: name, params: params, in: sighting?.place ?? paths)
        if let name, let sighting { describe(&entry, as: name, file, sighting, asked: knownName != nil) }
        entry.isAsked = sighting?.isUsers != true
        if case .failure(let error) = read { entry.fault = error.description }
        return entry
    }

    /// Fills in what was observed.
    private func describe(
        _ entry: inout VMEntry, as name: VMName, _ file: FilePath, _ sighting: Sighting, asked: Bool
    ) {
        var seen = sighting.seen
        do throws(VMError) {
            // Of another user's VM only that it runs is believed, not its manifest.
            if try seen.isAlive, !sighting.isUsers,
                let manifest = try Manifest.read(RuntimeDirectory(name, in: sighting.place))
            {
                guard try manifest.isOf(file) else {
                    // A VM of the same name runs from another file: this one does not run.
                    entry.state = .stopped
                    return
                }
                entry = VMEntry(manifest, seen, in: sighting.place)
            } else if !sighting.isUsers, seen.state == .crashed || asked && seen.endReason != nil,
                try RuntimeDirectory(name, in: sighting.place).lastOther(than: file) != nil
            {
                // It was another VM of this name that ended like that.
                entry.state = .stopped
                return
            }
        } catch { seen = Observation(state: .unknown, holder: seen.holder, obstacle: error) }
        entry.add(seen)
    }

    /// A VM as it was observed, and where.
    private struct Sighting {
        var place: Paths
        var seen: Observation
        /// Whether the place is another user's.
        var isAnothers = false
        /// Whether the place is that of a user other than root, seen by root.
        var isUsers = false
        /// Whether its run-time files are in places that only that user knows.
        var isElsewhere = false
    }

    private func look(_ vm: VMReference) -> Sighting {
        look(vm.name, vm.file) { (try? VMFile.glance(at: vm.file))?.disks.map(\.path.value) ?? [] }
    }

    /// The caller's own VM; else another user's, if that runs or may run.
    private func look(
        _ name: VMName, _ file: FilePath, _ traces: NamesWithFiles? = nil, disks: () -> [FilePath] = { [] }
    )
        -> Sighting
    {
        let isKnown = traces?.mayBe(of: name) ?? true
        var own = Sighting(place: paths, seen: isKnown ? Observation(name, in: paths) : Observation(state: .stopped))
        own.seen.lookForStray(of: name, holding: disks)
        guard own.seen.state == .stopped, own.seen.endReason == nil else { return own }
        switch others {
        case .none: return own
        case .root(let place): return isKnown ? look(name, file, inRoots: place) ?? own : own
        case .users(let vms):
            guard let machine = vms.machine(of: name, file, disks: disks) else { return own }
            let seen = Observation(state: .running, holder: machine.process)
            return Sighting(
                place: machine.place, seen: seen, isAnothers: true, isUsers: true, isElsewhere: machine.isElsewhere)
        }
    }

    private func look(_ name: VMName, _ file: FilePath, inRoots place: Paths) -> Sighting? {
        let seen = Observation(name, in: place)
        guard seen.state.isAlive || seen.state == .unknown else { return nil }
        do throws(VMError) {
            // Without a manifest there is only the name to go by.
            let isOther = try Manifest.read(RuntimeDirectory(name, in: place)).map { manifest throws(VMError) in
                try !manifest.isOf(file)
            }
            return isOther == true ? nil : Sighting(place: place, seen: seen, isAnothers: true)
        } catch {
            return Sighting(
                place: place, seen: Observation(state: .unknown, obstacle: seen.obstacle ?? error), isAnothers: true)
        }
    }

    private func ask(_ entries: inout [VMEntry]) {
        // Only the caller's VMs and root's: another user's socket may say anything, or hang.
        let running = entries.indices.filter { entries[$0].state.isAlive && entries[$0].isAsked }
        let machines = running.compactMap { index in
            VMName(entries[index].name).map {
                (index: index, directory: RuntimeDirectory($0, in: entries[index].place))
            }
        }
        // A hung monitor may cost a list 250 ms in all, connecting and cleaning up included.
        for (index, state) in StatusPoll.states(of: machines, within: .milliseconds(240)) {
            entries[index].state = state
        }
    }
}
