import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Something on the host that lives exactly as long as some VM holds it, and that the kernel can't tie to a process: a
/// network with its DHCP server, a macvtap link, an nft table.
///
/// It is recorded in a file, RUN/resources/NAME, for root alone:
/// - Its content lists what has to be removed, a line of JSON for each `Leftover`, written before the thing is made.
/// - Byte 0 is its life: each QEMU that uses the resource inherits a read lock on it, by a read-only descriptor.
/// - Each VM that has held it is named there, because a QEMU that a guest has taken over can pass its descriptor to a
///   process that outlives it. The resource is held while the byte is locked and one of these VMs is alive.
///
/// A command locks RUN/locks/NAME while it makes, changes or removes the resource. This is a separate file because a
/// QEMU that a guest has taken over can lock every byte of a file that it inherited.
///
/// When its life is not locked the resource is left over, and `sweep` removes it.
package struct HostResource {
    /// The file's name.
    let name: String
    private let paths: Paths

    /// How long to wait for other commands' locks: dozens of VMs may be starting.
    private static let patience = Duration.seconds(60)

    /// How long the programs that remove things may take: any of root's commands may have to wait for them.
    private static let removing = Duration.seconds(10)

    package init(_ name: String, in paths: Paths) {
        self.name = name
        self.paths = paths
    }

    /// The file with its life and its content.
    package var file: FilePath { paths.resources.appending(name) }
    /// The file with its lock.
    var lock: FilePath { paths.locks.appending(name) }

    /// Holds the resource for a VM while the returned descriptor is open, here or in the QEMU that inherits it.
    ///
    /// - Parameter make: makes the resource, or repairs it if it `isHeld` already. It notes each thing just before
    ///   making it. If it fails, what it made is removed, unless another VM holds the resource.
    package func hold(
        for vm: VMName, _ make: (inout ResourceJournal) throws(VMError) -> Void
    ) throws(VMError) -> OwnedDescriptor {
        try makePrivateDirectory(paths.resources, below: paths.run)
        guard var journal = try open(creating: true, by: Deadline(in: Self.patience)) else {
            throw VMError(
                .busy, file.string, "is being changed by another process", remedy: "\(command: "lslocks") shows which")
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

    /// Removes what no VM holds any longer. Returns what could not be removed; the next sweep retries.
    ///
    /// - Parameters:
    ///   - ended: a VM that has ended. For its resources the lock is not enough: it may have passed the descriptor on.
    ///   - patience: how long to wait for other commands' locks. With none, what another command is changing is left to
    ///     it.
    package static func sweep(_ paths: Paths, after ended: VMName? = nil, patience: Duration = .zero) -> [VMError] {
        remove(paths, after: ended, patience: patience) { _ in true }
    }

    /// The same for the resources of a VM that is about to start again.
    package static func sweep(_ paths: Paths, before vm: VMName) -> [VMError] {
        remove(paths, after: vm, patience: removing) { $0.mayBe(of: vm) }
    }

    private static func remove(
        _ paths: Paths, after ended: VMName?, patience: Duration, where matters: (HostResource) -> Bool
    ) -> [VMError] {
        guard geteuid() == 0 else { return [] }
        let locks = Deadline(in: patience)
        let programs = Deadline(in: removing)
        do throws(VMError) {
            // A VM's part of a network is removed before the network: `nat.web` before `nat`.
            return try RunFileOwnership.names(in: paths.resources).reversed().flatMap { name in
                let resource = HostResource(name, in: paths)
                return matters(resource)
                    ? resource.removeLeftOver(after: ended, locks: locks, programs: programs) : []
            }
        } catch { return [error] }
    }

    /// Whether a VM can have held it, judged by the name alone, which costs nothing.
    private func mayBe(of vm: VMName) -> Bool {
        name == "nat" || name.hasPrefix("isolated.") || name.contains(vm.description)
    }

    /// Whether a noted VM is alive. If that can't be determined, it may be.
    func isAlive(_ vm: VMName) -> Bool {
        do throws(Errno) {
            if try VMLock(directory: paths.machine(vm)).signs() != .none { return true }
            // Its QEMU may be running though its run-time files were removed.
            return try OrphanedQEMU.holding(paths.record(vm)) != nil
        } catch { return true }
    }

    /// - Parameter programs: when all programs that remove something have to be done. One deadline for all, so that one
    ///   that hangs is not waited for again and again.
    private func removeLeftOver(after ended: VMName?, locks: Deadline, programs: Deadline) -> [VMError] {
        do throws(VMError) {
            guard try mayBeLeftOver(after: ended), let journal = try open(creating: false, by: locks), !journal.isHeld
            else { return [] }
            return journal.removeAll(by: programs)
        } catch { return [error] }
    }

    /// A quick check, since each of root's commands makes it: the lock decides alone, except for the VM that has just
    /// ended.
    private func mayBeLeftOver(after ended: VMName?) throws(VMError) -> Bool {
        do throws(Errno) {
            let asked = try ByteLockFile(asking: file)
            guard try asked.isHeld(ResourceJournal.life) else { return true }
            guard let ended, mayBe(of: ended) else { return false }
            return try ResourceJournal.holders(in: ResourceJournal.lines(of: asked))?.contains(ended) == true
        } catch .noSuchFileOrDirectory {
            // Another command has just removed it.
            return false
        } catch {
            throw .unusable(error, file)
        }
    }

    /// Waits for the lock; nil if the deadline passed, or if there is no such resource.
    private func open(creating: Bool, by deadline: Deadline) throws(VMError) -> ResourceJournal? {
        try makePrivateDirectory(paths.locks, below: paths.run)
        while true {
            let file = try ByteLockFile.make(lock, permissions: 0o600)
            guard try file.take(0, of: lock, by: deadline) else { return nil }
            // The previous holder of the lock may have removed the file.
            if file.isStillAt(lock) { return try ResourceJournal.open(of: self, lock: file, creating: creating) }
        }
    }
}
