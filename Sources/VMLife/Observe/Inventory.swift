import SystemPackage
import VMCore
import VMHost

/// All VMs: those defined under the roots, and the running ones.
package struct Inventory: Sendable {
    /// Every VM, sorted by name.
    package var entries: [VMEntry]
    /// What could not be read: there may be more VMs there.
    package var unseen: [VMError] = []
    /// The roots that do not exist.
    package var missingRoots: [FilePath] = []
}

extension Machine {
    /// What is known of the VM. QEMU is asked for its state.
    package func entry() -> VMEntry {
        var entries = [site.entry(defined: file, knownName: name)]
        VMEntry.ask(&entries)
        let place = entries[0].place
        let vm = place == paths ? self : looking(at: place)
        entries[0].crashRecord = CrashRecord.newest(of: vm)
        if entries[0].state == .crashed { entries[0].lastWords = vm.lastWords }
        do throws(VMError) {
            entries[0].isEnabled = try ServiceUnit(self).isEnabled
            try VMEntry.learnAddresses(of: &entries)
        } catch {
            entries[0].obstacle = entries[0].obstacle ?? error
        }
        return entries[0]
    }
}

extension Inventory {
    /// Fills in which of the VMs start with the host.
    package mutating func learnEnabled(of site: Site) {
        do throws(VMError) {
            let enabled = Set(try site.enabledNames().map(\.description))
            for index in entries.indices { entries[index].isEnabled = enabled.contains(entries[index].name) }
        } catch { unseen.append(error) }
    }

    /// Fills in what this host remembers of the guests' addresses.
    package mutating func learnAddresses() {
        do throws(VMError) { try VMEntry.learnAddresses(of: &entries) } catch { unseen.append(error) }
    }
}

extension Site {
    /// Every VM.
    ///
    /// - Parameter asking: whether running VMs are asked for their state, all at once and for at most 250 ms in all.
    ///   One that hangs shows as `unresponsive`.
    package func inventory(asking: Bool = true) -> Inventory {
        let defined = definitions()
        var inventory = Inventory(entries: [], unseen: defined.unseen, missingRoots: defined.missing)
        var started: [VMName] = []
        var strays: [VMName]?
        do throws(VMError) {
            started = try startedNames()
            strays = try strayNames(besides: started)
        } catch { inventory.unseen.append(error) }
        // If they can't be listed, each VM has to be looked for.
        let known = strays.map { NamesWithFiles(names: started + $0, otherUsers) }
        inventory.entries = defined.files.concurrentMap { entry(defined: $0, known: known) }
        let listed = Listed(inventory.entries)
        // A stray VM that is defined is already listed as such.
        for name in started + (strays ?? []).filter({ !listed.names.contains($0.description) }) {
            guard let (entry, file) = elsewhere(name, besides: listed) else { continue }
            if let file { inventory.entries.removeAll { $0.file == file && [.stopped, .broken].contains($0.state) } }
            inventory.entries.append(entry)
        }
        if asking { VMEntry.ask(&inventory.entries) }
        inventory.entries.sort { $0.name != $1.name ? $0.name < $1.name : $0.file.string < $1.file.string }
        return inventory
    }

    /// The VMs that these words name, in this order.
    ///
    /// - Parameter asking: as of all VMs.
    package func inventory(of words: [String], asking: Bool = true) -> Inventory {
        var inventory = Inventory(entries: [])
        for found in find(words) {
            switch found {
            case .success(let vm): inventory.entries.append(entry(defined: vm.file, knownName: vm.name))
            case .failure(let error): inventory.unseen.append(error)
            }
        }
        if asking { VMEntry.ask(&inventory.entries) }
        return inventory
    }

    /// The VMs under the roots.
    private final class Listed {
        let names: Set<String>
        /// The names, by their files. Seldom needed, and a dictionary of paths is costly to make.
        private(set) lazy var files = Dictionary(
            entries.map { ($0.file, $0.name) }, uniquingKeysWith: { first, _ in first })
        private(set) lazy var index = FileIndex(Array(files.keys), by: \.self)
        private let entries: [VMEntry]

        init(_ entries: [VMEntry]) {
            self.entries = entries
            names = Set(entries.map(\.name))
        }

        /// Whether this file is listed under this name.
        func has(_ name: VMName, from file: FilePath) -> Bool {
            names.contains(name.description)
                && entries.indices.contains { entries[$0].file == file && entries[$0].name == name.description }
        }

        /// The listed path of a file; nil if it is not under the roots.
        func path(of file: FilePath) throws(VMError) -> FilePath? {
            // The index looks at every file, which is seldom needed.
            files[file] == nil ? try index.value(of: file) : file
        }
    }

    /// The entry of a VM whose file is not under the roots, or gives it another name by now: then with the listed path of
    /// that file, which is listed once, as it runs. Nil if it is listed already, or was shut down in order.
    private func elsewhere(_ name: VMName, besides listed: Listed) -> (entry: VMEntry, listed: FilePath?)? {
        let isNamed = listed.names.contains(name.description)
        let vm = Machine(name: name, file: "", site: self)
        do throws(VMError) {
            let manifest = try vm.manifest()
            // That is nearly every VM that was started.
            if let manifest, listed.has(name, from: manifest.file) { return nil }
            let file = try manifest.flatMap { manifest throws(VMError) in try listed.path(of: manifest.file) }
            let newName = file.flatMap { listed.files[$0] }
            if newName == name.description { return nil }
            let seen = vm.observe()
            guard seen.state != .stopped else { return nil }
            guard let manifest else {
                return seen.state == .crashed || isNamed ? nil : (VMEntry(name, seen, in: paths), nil)
            }
            var entry = VMEntry(manifest, seen, in: paths)
            guard let newName else { return (entry, nil) }
            entry.nextName = VMName(newName)
            return seen.state.isAlive ? (entry, file) : nil
        } catch {
            return isNamed ? nil : (VMEntry(name, Observation(state: .unknown, obstacle: error), in: paths), nil)
        }
    }

    fileprivate func entry(defined file: FilePath, knownName: VMName? = nil, known: NamesWithFiles? = nil) -> VMEntry {
        var params: VMParams?
        var fault: VMError?
        // One that exists for one run has no file, and needs none.
        if knownName == nil || !isOfRun(file) {
            do throws(VMError) { params = try VMFile.glance(at: file) } catch { fault = error }
        }
        let name = knownName ?? params?.name.value ?? VMParams.defaultName(of: file)
        let sighting = name.map {
            Machine(name: $0, file: file, site: self).sighting(among: known) {
                params?.disks.map(\.path.value) ?? []
            }
        }
        var entry = VMEntry(file: file, name: name, params: params, in: sighting?.vm.paths ?? paths)
        if let sighting {
            entry.describe(sighting, asked: knownName != nil)
            entry.lookForSavedState(sighting.vm)
        }
        // As `refuseProtected` has it: what the file says now counts.
        if let params {
            entry.vm?.isProtected = params.protect.value
            entry.vm?.isTemplate = params.template.value
        }
        entry.compare(with: params)
        entry.isAsked = sighting?.isUsers != true
        if entry.state.isAlive, let next = params?.name.value, next.description != entry.name { entry.nextName = next }
        if let fault {
            entry.fault = fault.description
            if entry.state == .stopped { entry.state = .broken }
        }
        return entry
    }
}

extension VMEntry {
    /// Fills in what was observed.
    ///
    /// - Parameter asked: whether the user named this very VM.
    fileprivate mutating func describe(_ sighting: Sighting, asked: Bool) {
        let vm = sighting.vm
        var seen = sighting.seen
        do throws(VMError) {
            // Of another user's VM only that it runs is believed, not its manifest.
            if try seen.isAlive, !sighting.isUsers, let manifest = try vm.manifest() {
                guard try manifest.isOf(vm.file) else {
                    // A VM of the same name runs from another file: this one does not run.
                    state = .stopped
                    return
                }
                self = VMEntry(manifest, seen, in: vm.paths)
            } else if !sighting.isUsers, seen.state == .crashed || asked && seen.endReason != nil,
                try vm.lastOther() != nil
            {
                // It was another VM of this name that ended like that.
                state = .stopped
                return
            }
        } catch { seen = Observation(state: .unknown, holder: seen.holder, obstacle: error) }
        add(seen)
    }

    /// A VM that does not run may be suspended.
    fileprivate mutating func lookForSavedState(_ vm: Machine) {
        guard state == .stopped || state == .crashed else { return }
        do throws(VMError) { if try vm.isSuspended() { state = .suspended } } catch { obstacle = error }
    }

    fileprivate static func ask(_ entries: inout [VMEntry]) {
        // Only the caller's VMs and root's: another user's socket may say anything, or hang.
        let running = entries.indices.filter { entries[$0].state.isAlive && entries[$0].isAsked }
        let machines = running.compactMap { index in
            VMName(entries[index].name).map {
                (index: index, directory: RuntimeDirectory($0, in: entries[index].place))
            }
        }
        // A hung monitor may cost a list 250 ms in all, connecting and cleaning up included.
        for (index, answer) in StatusPoll.states(of: machines, within: .milliseconds(240)) {
            switch answer {
            case .state(let state): entries[index].take(state)
            case .silence: entries[index].state = .unresponsive
            }
        }
    }

    private mutating func take(_ answer: RunState) {
        pauseReason = answer.pauseReason(pauseReason)
        // A guest that was reset while it was paused is in `prelaunch` again, but its record tells that it has run.
        let hasRun = state == .running || state == .paused
        state = answer.vmState == .starting && hasRun ? .paused : answer.vmState
    }
}
