import Glibc
import SystemPackage

/// Something on the host that lives exactly as long as some VM holds it, and that the kernel can't tie to a process: a
/// network with its DHCP server, a macvtap link, an nft table.
///
/// It is a file, RUN/resources/NAME, for root alone:
/// - its content, a line of JSON for each `Remnant`, says what has to be removed; written before the thing is made;
/// - byte 0 is its life: each QEMU that uses it inherits a read lock on it, by a descriptor that can't write;
/// - byte 1 is the turn of whoever makes, changes or removes it.
///
/// With nobody's lock on its life it is left over, and `sweep` removes it.
public struct HostResource {
    /// The file's name.
    let name: String
    private let directory: FilePath

    /// How long others may take, each with its turn: dozens of VMs may be starting.
    private static let patience = Duration.seconds(60)

    init(_ name: String, in paths: Paths) {
        self.name = name
        directory = paths.resources
    }

    /// Holds the resource: for as long as the descriptor is open here, or in a QEMU that inherits it.
    ///
    /// - Parameter make: makes the resource, or where it `isHeld` sees to it that it is as it should be. It notes each
    ///   thing just before making it. On its failure what it made is removed, unless another VM holds the resource.
    func hold(_ make: (inout ResourceJournal) throws(VMError) -> Void) throws(VMError) -> OwnedDescriptor {
        try makePrivateDirectory(directory, below: directory.removingLastComponent())
        let path = directory.appending(name)
        guard var journal = try ResourceJournal.open(path, creating: true, by: Deadline(in: Self.patience)) else {
            throw VMError(
                .busy, path.string, "is being changed by another process", remedy: "`lslocks` says which")
        }
        try journal.begin()
        do throws(VMError) { try make(&journal) } catch {
            var failure = error
            if !journal.isHeld { failure.details += journal.removeAll().map(\.description) }
            throw failure
        }
        return try journal.share()
    }

    /// Removes what no VM holds any more, and says what could not be removed; the next one tries again.
    ///
    /// - Parameter patience: how long to wait for others that have a turn. Without any, what somebody else is changing
    ///   is left to them.
    public static func sweep(_ paths: Paths, patience: Duration = .zero) -> [VMError] {
        // Before anything else: a host without such things pays for one failed open.
        guard geteuid() == 0, let names = try? names(in: paths.resources) else { return [] }
        let deadline = Deadline(in: patience)
        // What a VM has on a network goes before the network: `nat.web` before `nat`.
        return names.reversed().flatMap { name -> [VMError] in
            let path = paths.resources.appending(name)
            guard (try? ByteLockFile(asking: path).isHeld(ResourceJournal.life)) == false,
                let journal = try? ResourceJournal.open(path, creating: false, by: deadline), !journal.isHeld
            else { return [] }
            return journal.removeAll()
        }
    }
}
