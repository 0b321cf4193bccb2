import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Something on the host that lives exactly as long as some VM holds it, and that the kernel can't tie to a process: a
/// network with its DHCP server, a macvtap link, an nft table.
///
/// It is a file, RUN/resources/NAME, for root alone:
/// - its content, a line of JSON for each `Remnant`, says what has to be removed; written before the thing is made;
/// - byte 0 is its life: each QEMU that uses it inherits a read lock on it, by a descriptor that can't write;
/// - and each VM that has had it is named there, for a QEMU that a guest took over can pass its descriptor on to a process
///   that outlives it. It is held as long as the lock is, and one of them lives.
///
/// RUN/turns/NAME is locked by whoever makes, changes or removes it. It is a file of its own because a QEMU that a guest
/// took over can lock every byte of one that it inherited.
///
/// With nobody's lock on its life it is left over, and `sweep` removes it.
package struct HostResource {
    /// The file's name.
    let name: String
    private let paths: Paths

    /// How long others may take, each with its turn: dozens of VMs may be starting.
    private static let patience = Duration.seconds(60)

    /// How long the programs may take that remove things: every command of root's may have to wait for them.
    private static let removing = Duration.seconds(10)

    package init(_ name: String, in paths: Paths) {
        self.name = name
        self.paths = paths
    }

    /// The file of its life.
    package var file: FilePath { paths.resources.appending(name) }
    /// The file of its turn.
    var turn: FilePath { paths.turns.appending(name) }

    /// Holds the resource for a VM: for as long as the descriptor is open here, or in the QEMU that inherits it.
    ///
    /// - Parameter make: makes the resource, or where it `isHeld` sees to it that it is as it should be. It notes each
    ///   thing just before making it. On its failure what it made is removed, unless another VM holds the resource.
    package func hold(
        for vm: VMName, _ make: (inout ResourceJournal) throws(VMError) -> Void
    ) throws(VMError) -> OwnedDescriptor {
        try makePrivateDirectory(paths.resources, below: paths.run)
        guard var journal = try open(creating: true, by: Deadline(in: Self.patience)) else {
            throw VMError(
                .busy, file.string, "is being changed by another process", remedy: "\(command: "lslocks") says which")
        }
        try journal.begin(for: vm)
        do throws(VMError) { try make(&journal) } catch {
            var failure = error
            if !journal.isHeld {
                failure.details += journal.removeAll(by: Deadline(in: Self.removing)).map(\.description)
            }
            throw failure
        }
        return try journal.share()
    }

    /// Removes what no VM holds any more, and says what could not be removed; the next one tries again.
    ///
    /// - Parameters:
    ///   - ended: a VM that has ended. What it had is looked at more closely than by the lock, which it may have passed on.
    ///   - patience: how long to wait for others that have a turn. Without any, what somebody else is changing is left to
    ///     them.
    package static func sweep(_ paths: Paths, after ended: VMName? = nil, patience: Duration = .zero) -> [VMError] {
        remove(paths, after: ended, patience: patience) { _ in true }
    }

    /// The same, but only of what a VM has had that is about to begin again.
    package static func sweep(_ paths: Paths, before vm: VMName) -> [VMError] {
        remove(paths, after: vm, patience: removing) { $0.mayBe(of: vm) }
    }

    private static func remove(
        _ paths: Paths, after ended: VMName?, patience: Duration, where matters: (HostResource) -> Bool
    ) -> [VMError] {
        guard geteuid() == 0 else { return [] }
        let turns = Deadline(in: patience)
        let programs = Deadline(in: removing)
        do throws(VMError) {
            // What a VM has on a network goes before the network: `nat.web` before `nat`.
            return try Custody.names(in: paths.resources).reversed().flatMap { name in
                let resource = HostResource(name, in: paths)
                return matters(resource)
                    ? resource.removeLeftOver(after: ended, turns: turns, programs: programs) : []
            }
        } catch { return [error] }
    }

    /// Whether a VM can have had it: going by the name, which costs nothing.
    private func mayBe(of vm: VMName) -> Bool {
        name == "nat" || name.hasPrefix("isolated.") || name.contains(vm.description)
    }

    /// Whether a VM that was noted lives; where that can't be seen, it may.
    func isAlive(_ vm: VMName) -> Bool {
        do throws(Errno) {
            if try VMLock(directory: paths.machine(vm)).signs() != .none { return true }
            // Or it is there though somebody has removed what says so.
            return try StrayMachine.holding(paths.record(vm)) != nil
        } catch { return true }
    }

    /// - Parameter programs: when those that remove something have to be done, all together: one that hangs is not waited
    ///   for again and again.
    private func removeLeftOver(after ended: VMName?, turns: Deadline, programs: Deadline) -> [VMError] {
        do throws(VMError) {
            guard try mayBeLeftOver(after: ended), let journal = try open(creating: false, by: turns), !journal.isHeld
            else { return [] }
            return journal.removeAll(by: programs)
        } catch { return [error] }
    }

    /// At a glance, for every command of root's looks: by the lock alone, but for what a VM had that has just ended.
    private func mayBeLeftOver(after ended: VMName?) throws(VMError) -> Bool {
        do throws(Errno) {
            let asked = try ByteLockFile(asking: file)
            guard try asked.isHeld(ResourceJournal.life) else { return true }
            guard let ended, mayBe(of: ended) else { return false }
            return try ResourceJournal.holders(in: ResourceJournal.lines(of: asked))?.contains(ended) == true
        } catch .noSuchFileOrDirectory {
            // Somebody else has just removed it.
            return false
        } catch {
            throw .unusable(error, file)
        }
    }

    /// Waits for the turn; nil where it is not to be had in time, or there is no such resource.
    private func open(creating: Bool, by deadline: Deadline) throws(VMError) -> ResourceJournal? {
        try makePrivateDirectory(paths.turns, below: paths.run)
        while true {
            let lock = try ByteLockFile.make(turn, permissions: 0o600)
            guard try lock.take(0, of: turn, by: deadline) else { return nil }
            // Whoever had the turn before may have removed it.
            if lock.isStillAt(turn) { return try ResourceJournal.open(of: self, turn: lock, creating: creating) }
        }
    }
}
