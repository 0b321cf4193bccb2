import Glibc
import SystemPackage
import VMCore
import VMHost

/// A VM as it was seen, and where: in the caller's own places or in another user's.
struct Sighting {
    /// The VM, at the place where it was seen.
    var vm: Machine
    var seen: Observation
    /// Whether the place is another user's.
    var isAnothers = false
    /// Whether the place is that of a user other than root, seen by root.
    var isUsers = false
    /// Whether its run-time files are in places that only that user knows.
    var isElsewhere = false
}

extension Machine {
    /// Refuses a VM that another user started: saying that it is not running would be wrong.
    ///
    /// - Throws: `.denied`; why it can't be told.
    package func refuseAnothers() throws(VMError) {
        let sighting = sighting()
        if sighting.isAnothers { try sighting.refuse() }
    }

    /// The VM, at the place where it runs, if that is root's.
    ///
    /// - Throws: `.denied` if another user runs the VM.
    func seenWhereItRuns() throws(VMError) -> Machine {
        let sighting = sighting()
        if sighting.isUsers { try sighting.refuse() }
        return sighting.vm
    }

    /// Whether the VM may be running, so that what it needs may be in use by itself. True if the caller may not look.
    /// Does not ask QEMU.
    ///
    /// - Throws: why it can't be told, for any other reason.
    package func mayRun() throws(VMError) -> Bool {
        let sighting = sighting()
        if sighting.seen.state == .unknown {
            if let obstacle = sighting.seen.obstacle, obstacle.code != .denied { throw obstacle }
            return true
        }
        // For another user's VM the file was compared already.
        guard sighting.seen.state.isAlive, !sighting.isAnothers else { return sighting.seen.state.isAlive }
        return try runsFromFile
    }

    private func sighting() -> Sighting { sighting(holding: disks) }

    /// The caller's own VM; else another user's, if that runs or may run.
    ///
    /// - Parameters:
    ///   - known: the names of the VMs that may have run-time files; nil: each has to be looked for.
    ///   - disks: the VM's disks.
    func sighting(among known: NamesWithFiles? = nil, holding disks: () -> [FilePath]) -> Sighting {
        let isKnown = known?.mayBe(of: name) ?? true
        var own = Sighting(vm: self, seen: isKnown ? observe() : Observation(state: .stopped))
        own.seen.lookForStray(of: name, holding: disks)
        // What runs under the caller's name may come from another file, while another user runs this one.
        if own.seen.state.isAlive, site.otherUsers.mayRun(file), (try? runsFromFile) == false {
            own.seen = Observation(state: .stopped)
        }
        guard own.seen.state == .stopped, own.seen.endReason == nil || !ranLast else { return own }
        switch site.otherUsers {
        case .none: return own
        case .root(let place): return isKnown ? looking(at: place).rootsSighting(holding: disks) ?? own : own
        case .users(let vms):
            guard let found = vms.machine(of: name, file, disks: disks) else { return own }
            let seen = Observation(state: .running, holder: found.process)
            return Sighting(
                vm: looking(at: found.place), seen: seen, isAnothers: true, isUsers: true,
                isElsewhere: found.isElsewhere)
        }
    }

    /// Whether it was this VM that ran last under its name.
    private var ranLast: Bool {
        do throws(VMError) { return try lastOther() == nil } catch { return false }
    }

    /// The VM as root's, seen by a user; nil if root does not run it.
    private func rootsSighting(holding disks: () -> [FilePath]) -> Sighting? {
        let seen = observe()
        guard seen.state.isAlive || seen.state == .unknown else { return nil }
        if seen.state == .unknown, seen.obstacle?.code == .denied, isLeftAlone(disks()) { return nil }
        do throws(VMError) {
            // Without a manifest there is only the name to go by.
            return try runsFromFile ? Sighting(vm: self, seen: seen, isAnothers: true) : nil
        } catch {
            let seen = Observation(state: .unknown, obstacle: seen.obstacle ?? error)
            return Sighting(vm: self, seen: seen, isAnothers: true)
        }
    }
}

extension Machine {
    /// Whether the VM is the caller's own, and nobody has its disks. Root runs the file of another account only if it is
    /// told to (`--trust-owner`): so much of an ordinary user's VMs is known even if root's places may not be looked at.
    private func isLeftAlone(_ disks: [FilePath]) -> Bool {
        guard (try? status(of: file))??.st_uid == geteuid(), let trust = try? site.trust() else { return false }
        return disks.allSatisfy { disk in
            switch ImageFacts(probing: disk, trust) {
            case .missing, .directoryMissing, .unusable: true
            case .image(let image): image.locks.isEmpty
            case .denied, .distrusted, .failed: false
            }
        }
    }
}

extension Sighting {
    fileprivate func refuse() throws(VMError) {
        guard seen.state.isAlive || seen.state == .unknown else { return }
        // A lack of permission is reported below; any other obstacle is reported as it is.
        if let obstacle = seen.obstacle, obstacle.code != .denied { throw obstacle }
        throw VMError(
            .denied, vm.name.description,
            seen.state.isAlive
                ? "another user is running it" : "another user may be running it, where you may not look",
            remedy: isElsewhere
                ? "run kvmctl as that user, with the KVMCTL_RUN or XDG_RUNTIME_DIR that it was started with"
                : "run kvmctl as that user: its run-time files are in \(vm.directory.path)",
            condition: seen.state.isAlive ? .anothers : nil)
    }
}
