import BridgeNet
import FoundationEssentials
public import SystemPackage

/// A VM as `list` and `show` see it.
public struct VMEntry: Sendable {
    /// Its name.
    public var name: String
    /// What it is doing.
    public var state: VMState
    /// Its params file, absolute.
    public var file: FilePath
    /// Why that file can't be used, where it can't.
    public var fault: String?
    /// Memory in bytes; nil where the file does not tell.
    public var memoryBytes: Int64?
    /// Virtual processors; nil where the file does not tell.
    public var cpus: Int?
    /// The VNC server's address, where one listens; of a VM that does not run, where one would.
    public var vnc: VNCAddress?
    /// Its network cards.
    public var nics: [NIC] = []
    /// QEMU's process, while there is one.
    public var process: ProcessIdentity?
    /// Why the last run ended, in QEMU's word (qapi/run-state.json, ShutdownCause).
    public var endReason: String?
    /// `kvm` or `tcg`, while it runs.
    public var accelerator: String?
    /// Its UUID, where the file or the running VM tells.
    public var uuid: String?
    /// Its disks and CDs.
    public var media: [String] = []
    /// Where its run-time files are: in the caller's own places, or another user's.
    public var place: Paths

    /// A network card.
    public struct NIC: Equatable, Sendable {
        /// The n of `NETn`.
        public var index: Int
        /// As in vm.params: `bridge:br0`, `user`.
        public var network: String
        /// Its address; nil where it is derived only at start.
        public var mac: String?
        /// Its tap or macvtap, while it runs.
        public var tap: String?
        /// The address that it got from a network of kvmctl's own, while it runs.
        public var address: String?
        /// What else it was told.
        public var settings: NICSettings
    }

    /// Where a VNC viewer connects.
    public struct VNCAddress: Equatable, Sendable {
        /// The host's address.
        public var address: String
        /// The TCP port; nil: not known until it runs (`auto`).
        public var port: Int?
        /// Whether it asks for a password.
        public var hasPassword: Bool
    }
}

/// All the VMs there are: those that are defined under the roots, and those that run.
public struct Inventory: Sendable {
    let paths: Paths
    /// Where other users' VMs are: a VM that does not run here may run there.
    let others: [Paths]

    /// Looks in these places.
    public init(_ paths: Paths, others: [Paths] = []) {
        self.paths = paths
        self.others = others
    }

    /// Every VM, sorted by name.
    ///
    /// - Parameter asking: whether running VMs are asked, all at once and at most 250 ms in all, so that one that hangs
    ///   shows as `unresponsive`.
    public func entries(asking: Bool = true) -> [VMEntry] {
        let locator = VMLocator(paths)
        let traces = Traces(of: [paths] + others)
        let defined = locator.definedFiles()
        var entries = defined.concurrentMap { entry(defined: $0, traces: traces) }
        let files = Set(defined)
        // Of one that was started from elsewhere it has to be known whether that is one of these by another path.
        var places: Set<FilePlace>?
        func isDefined(_ file: FilePath) -> Bool {
            let known = places ?? Set(defined.compactMap { FilePlace(of: $0) })
            places = known
            return FilePlace(of: file).map(known.contains) ?? false
        }
        for name in locator.startedNames() {
            guard let manifest = Manifest(reading: RuntimeDirectory(name, in: paths).manifestFile),
                !files.contains(FilePath(manifest.file))
            else { continue }
            let seen = Observation(name, in: paths)
            guard seen.state.isAlive || seen.state == .crashed,
                !isDefined(FilePath(manifest.file))
            else { continue }
            entries.append(VMEntry(manifest, seen, in: paths))
        }
        if asking { ask(&entries) }
        return entries.sorted { $0.name != $1.name ? $0.name < $1.name : $0.file.string < $1.file.string }
    }

    /// Where a VM's run-time files are: in the caller's own places, or another user's.
    public func place(of vm: VMReference) -> Paths { observe(vm.name, vm.file).0 }

    /// Refuses a VM that another user started: to say that it does not run would be wrong.
    ///
    /// - Throws: `.denied`.
    public func refuseAnothers(_ vm: VMReference) throws(VMError) {
        let (place, seen) = observe(vm.name, vm.file)
        guard place != paths, seen.state.isAlive || seen.state == .unknown else { return }
        throw VMError(
            .denied, vm.name.description,
            seen.state.isAlive ? "it runs, as another user's" : "it may run, as another user's, where you may not look",
            remedy: "run kvmctl as that user: its run-time files are in \(place.machine(vm.name))")
    }

    /// Whether what a VM needs may be in use by itself: where the caller may not look, it may. Asks nobody.
    public func mayRun(_ vm: VMReference) -> Bool {
        let (place, seen) = observe(vm.name, vm.file)
        if seen.state == .unknown { return true }
        return seen.state.isAlive && RuntimeDirectory(vm.name, in: place).isRunning(vm.file)
    }

    /// One VM, by its params file.
    public func entry(_ reference: VMReference) -> VMEntry {
        var entries = [entry(defined: reference.file, knownName: reference.name)]
        ask(&entries)
        return entries[0]
    }

    private func entry(defined file: FilePath, knownName: VMName? = nil, traces: Traces? = nil) -> VMEntry {
        let read: Result<VMParams, VMError>
        do throws(VMError) { read = .success(try VMFile.glance(at: file)) } catch { read = .failure(error) }
        let params = try? read.get()
        let name = knownName ?? params?.name.value ?? VMParams.defaultName(of: file)
        let (place, seen) = name.map { observe($0, file, traces) } ?? (paths, nil)
        var entry: VMEntry
        if let name, let seen, seen.state.isAlive,
            let manifest = Manifest(reading: RuntimeDirectory(name, in: place).manifestFile),
            isSameFile(FilePath(manifest.file), file)
        {
            entry = VMEntry(manifest, seen, in: place)
        } else {
            entry = VMEntry(file: file, name: name, params: params, in: place)
            // Another file's VM of the same name runs: this one does not.
            entry.state = seen.map { $0.state.isAlive ? .stopped : $0.state } ?? .stopped
            entry.endReason = seen?.endReason
        }
        if case .failure(let error) = read { entry.fault = error.description }
        return entry
    }

    /// The caller's own VM; or else another user's, if it runs, or may run.
    private func observe(_ name: VMName, _ file: FilePath, _ traces: Traces? = nil) -> (Paths, Observation) {
        if let traces, !traces.mayBe(of: name) { return (paths, Observation(state: .stopped)) }
        let own = Observation(name, in: paths)
        guard own.state == .stopped, own.endReason == nil else { return (paths, own) }
        for place in others {
            let seen = Observation(name, in: place)
            guard seen.state.isAlive || seen.state == .unknown else { continue }
            // Without a manifest that can be read, there is only the name to go by.
            let manifest = Manifest(reading: RuntimeDirectory(name, in: place).manifestFile)
            if manifest.map({ isSameFile(FilePath($0.file), file) }) ?? true { return (place, seen) }
        }
        return (paths, own)
    }

    private func ask(_ entries: inout [VMEntry]) {
        let running = entries.indices.filter { entries[$0].state.isAlive }
        let poll = StatusPoll(
            running.compactMap { index in
                VMName(entries[index].name).map { (index, RuntimeDirectory($0, in: entries[index].place)) }
            })
        // A hung QMP may cost a list 250 ms, in all: connecting and ending are in it too.
        for (index, state) in poll.states(within: .milliseconds(240)) { entries[index].state = state }
    }
}

extension VMEntry {
    init(_ manifest: Manifest, _ seen: Observation, in place: Paths) {
        self.init(name: manifest.name, state: seen.state, file: FilePath(manifest.file), place: place)
        memoryBytes = manifest.memoryBytes
        cpus = manifest.cpus
        vnc = manifest.display(in: place).map {
            VNCAddress(address: $0.address, port: $0.port, hasPassword: manifest.hasVNCPassword)
        }
        let isAlive = seen.state.isAlive
        nics = manifest.nics.map {
            NIC(
                index: $0.index, network: $0.network, mac: $0.mac, tap: isAlive ? $0.tap : nil,
                address: isAlive ? $0.address : nil, settings: $0.settings)
        }
        process = isAlive ? seen.holder : nil
        endReason = seen.endReason
        accelerator = isAlive ? manifest.accelerator : nil
        uuid = manifest.uuid
        media = manifest.media
    }

    init(file: FilePath, name: VMName?, params: VMParams?, in place: Paths) {
        self.init(name: name?.description ?? file.string, state: .stopped, file: file, place: place)
        guard let params else { return }
        memoryBytes = params.memory.value.bytes
        cpus = params.cpus.value
        switch params.vnc.display.value {
        case .none: break
        case .auto: vnc = VNCAddress(address: params.vnc.bind.value, port: nil, hasPassword: true)
        case .number(let display):
            vnc = VNCAddress(
                address: params.vnc.bind.value, port: 5900 + display, hasPassword: params.vnc.hasPassword)
        }
        nics = params.nics.map {
            NIC(
                index: $0.index, network: $0.network.value.description, mac: $0.mac?.value.description, tap: nil,
                settings: NICSettings($0))
        }
        uuid = params.uuid?.value.uuidString.lowercased()
        media = (params.disks.map(\.path) + params.cdroms.map(\.path)).map(\.value.string)
    }

    init(name: String, state: VMState, file: FilePath, place: Paths) {
        self.name = name
        self.state = state
        self.file = file
        self.place = place
    }
}
