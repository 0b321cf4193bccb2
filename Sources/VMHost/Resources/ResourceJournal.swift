import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// The file of a `HostResource`, for whoever has the turn to change it.
package struct ResourceJournal: ~Copyable {
    /// The byte that each holder has a read lock on.
    package static let life: Int64 = 0

    private let file: ByteLockFile
    private let path: FilePath
    private let turn: ByteLockFile
    private let turnPath: FilePath
    /// The network namespace that it was made in, by its inode: things of another can't be seen from here.
    private var namespace: Int64
    /// That of this process.
    private let here: Int64
    private var remnants: [Remnant] = []
    /// The VMs that have had it; nil where they were not noted, as a kvmctl of an earlier version did not.
    private var holders: [VMName]?

    /// Whether some VM holds the resource.
    let isHeld: Bool

    /// Reads it.
    ///
    /// - Parameter turn: the turn, which is kept for as long as the journal is there.
    /// - Returns: nil where the file is not there, and not to be made.
    static func open(
        of resource: HostResource, turn: consuming ByteLockFile, creating: Bool
    ) throws(VMError) -> ResourceJournal? {
        let path = resource.file
        let here = try Whereabouts.networkNamespace()
        do throws(Errno) {
            let file = try creating ? ByteLockFile(creating: path, permissions: 0o600) : ByteLockFile(changing: path)
            let lines = try lines(of: file)
            let isLocked = try file.isHeld(life)
            let isHeld = isLocked && holders(in: lines)?.contains(where: resource.isAlive) != false
            return ResourceJournal(resource, file, turn, lines, here: here, isHeld: isHeld)
        } catch .noSuchFileOrDirectory where !creating {
            removeFile(resource.turn)
            return nil
        } catch {
            throw .unusable(error, path)
        }
    }

    /// The content. What can't be parsed is the last line of a process that was killed, which then made nothing of it.
    package static func lines(of file: borrowing ByteLockFile) throws(Errno) -> [JSON] {
        try readAll(file.descriptor, limit: 1 << 20).split(separator: UInt8(ascii: "\n"))
            .compactMap { try? JSON(parsing: $0) }
    }

    /// The VMs that have had it; nil where the lines do not tell.
    static func holders(in lines: [JSON]) -> [VMName]? {
        guard lines.contains(where: { $0["notesHolders"]?.bool == true }) else { return nil }
        return lines.compactMap { $0["holder"]?.string }.compactMap { VMName($0) }
    }

    private init(
        _ resource: HostResource, _ file: consuming ByteLockFile, _ turn: consuming ByteLockFile, _ lines: [JSON],
        here: Int64, isHeld: Bool
    ) {
        (path, turnPath) = (resource.file, resource.turn)
        self.file = file
        self.turn = turn
        self.isHeld = isHeld
        self.here = here
        namespace = lines.compactMap { $0["namespace"]?.integer }.first ?? here
        remnants = lines.compactMap(Remnant.init)
        holders = Self.holders(in: lines)
    }

    /// Makes it ready for what will be noted, and for a VM: what is left over from another time is removed first.
    mutating func begin(for vm: VMName) throws(VMError) {
        if !isHeld, namespace != here, remnants.allSatisfy(\.goesWithItsNamespace) {
            (namespace, remnants) = (here, [])
        }
        guard namespace == here else {
            throw VMError(
                .busy, path.string, "it was made in another network namespace",
                remedy: """
                    run kvmctl there, or set KVMCTL_RUN to another directory for this one; where that namespace is gone, \
                    remove the file
                    """)
        }
        guard !isHeld else { return try note(holder: vm) }
        if let failure = removeRemnants(by: Deadline(in: Tool.patience)).first { throw failure }
        remnants = []
        guard ftruncate(file.descriptor.rawValue, 0) == 0 else {
            throw .system(Errno(rawValue: errno), path.string, "can't be written")
        }
        lseek(file.descriptor.rawValue, 0, SEEK_SET)
        try append(["namespace": .integer(namespace), "notesHolders": true])
        holders = []
        try note(holder: vm)
    }

    private mutating func note(holder: VMName) throws(VMError) {
        guard let noted = holders, !noted.contains(holder) else { return }
        try append(["holder": .string(holder.description)])
        holders = noted + [holder]
    }

    deinit { turn.giveBack(0) }

    /// Whether this is one of the things that were noted.
    func lists(_ remnant: Remnant) -> Bool { remnants.contains(remnant) }

    /// Notes what is about to be made.
    package mutating func note(_ remnant: Remnant) throws(VMError) {
        guard !lists(remnant) else { return }
        try append(remnant.json)
        remnants.append(remnant)
    }

    /// One write, after a line end: a line that a killed process left unfinished can't spoil this one.
    private func append(_ line: JSON) throws(VMError) {
        do throws(Errno) { try writeAll(Array("\n\(line.text)\n".utf8), to: file.descriptor) } catch {
            throw .system(error, path.string, "can't be written")
        }
    }

    /// Removes everything and then the file, and says what could not be removed: then the file stays.
    ///
    /// - Parameter deadline: when the programs that it takes have to be done.
    borrowing func removeAll(by deadline: Deadline) -> [VMError] {
        guard namespace == here else { return [] }
        let failures = removeRemnants(by: deadline)
        if failures.isEmpty {
            removeFile(path)
            // Last, and with its lock held: whoever waits for it sees that it is another one now.
            removeFile(turnPath)
        }
        return failures
    }

    /// The last one made is the first to go.
    private borrowing func removeRemnants(by deadline: Deadline) -> [VMError] {
        remnants.reversed().compactMap { remnant in
            do throws(VMError) {
                try remnant.remove(by: deadline)
                return nil
            } catch { return error }
        }
    }

    /// The lock for a QEMU. It is there before the turn is given back, so that nobody takes the resource for left over.
    consuming func share() throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            let shared = try ByteLockFile(asking: path)
            guard try shared.tryShare(Self.life) else { throw .resourceTemporarilyUnavailable }
            return shared.release()
        } catch {
            throw .system(error, path.string, "can't be locked")
        }
    }
}
