import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// The file of a `HostResource`, for the command whose lock it is to change it.
package struct ResourceJournal: ~Copyable {
    /// The byte on which each holder has a read lock.
    package static let life: Int64 = 0

    private let file: ByteLockFile
    private let path: FilePath
    private let lock: ByteLockFile
    private let lockPath: FilePath
    /// The inode of the network namespace that it was made in. From another namespace the remnants are not visible.
    private var namespace: Int64
    /// This process's network namespace.
    private let here: Int64
    private var remnants: [Leftover] = []
    /// The VMs that have held it; nil if they were not noted, as in earlier versions of kvmctl.
    private var holders: [VMName]?

    /// Whether some VM holds the resource.
    let isHeld: Bool

    /// Opens and reads it.
    ///
    /// - Parameter lock: the lock, kept for as long as the journal exists.
    /// - Returns: nil if the file does not exist and is not to be made.
    static func open(
        of resource: HostResource, lock: consuming ByteLockFile, creating: Bool
    ) throws(VMError) -> ResourceJournal? {
        let path = resource.file
        let here = try BootAndNamespaces.networkNamespace()
        do throws(Errno) {
            let file = try creating ? ByteLockFile(creating: path, permissions: 0o600) : ByteLockFile(changing: path)
            let lines = try lines(of: file)
            let isLocked = try file.isHeld(life)
            let isHeld = isLocked && holders(in: lines)?.contains(where: resource.isAlive) != false
            return ResourceJournal(resource, file, lock, lines, here: here, isHeld: isHeld)
        } catch .noSuchFileOrDirectory where !creating {
            removeFile(resource.lock)
            return nil
        } catch {
            throw .unusable(error, path)
        }
    }

    /// The content. A line that can't be parsed is the last one of a process that was killed before it made that thing.
    package static func lines(of file: borrowing ByteLockFile) throws(Errno) -> [JSON] {
        try readAll(file.descriptor, limit: 1 << 20).split(separator: UInt8(ascii: "\n"))
            .compactMap { try? JSON(parsing: $0) }
    }

    /// The VMs that have held it; nil if the lines don't note them.
    static func holders(in lines: [JSON]) -> [VMName]? {
        guard lines.contains(where: { $0["notesHolders"]?.bool == true }) else { return nil }
        return lines.compactMap { $0["holder"]?.string }.compactMap { VMName($0) }
    }

    private init(
        _ resource: HostResource, _ file: consuming ByteLockFile, _ lock: consuming ByteLockFile, _ lines: [JSON],
        here: Int64, isHeld: Bool
    ) {
        (path, lockPath) = (resource.file, resource.lock)
        self.file = file
        self.lock = lock
        self.isHeld = isHeld
        self.here = here
        namespace = lines.compactMap { $0["namespace"]?.integer }.first ?? here
        remnants = lines.compactMap(Leftover.init)
        holders = Self.holders(in: lines)
    }

    /// Prepares it for new notes, and notes the VM. What is left over from before is removed first.
    mutating func begin(for vm: VMName) throws(VMError) {
        if !isHeld, namespace != here, remnants.allSatisfy(\.goesWithItsNamespace) {
            (namespace, remnants) = (here, [])
        }
        guard namespace == here else {
            throw VMError(
                .busy, path.string, "was made in another network namespace",
                remedy: """
                    run kvmctl there, or set KVMCTL_RUN to another directory for this one; if that namespace is gone, \
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

    deinit { lock.giveBack(0) }

    /// Whether it has been noted.
    func lists(_ leftover: Leftover) -> Bool { remnants.contains(leftover) }

    /// Notes something that is about to be made.
    package mutating func note(_ leftover: Leftover) throws(VMError) {
        guard !lists(leftover) else { return }
        try append(leftover.json)
        remnants.append(leftover)
    }

    /// Appends with one write that starts with a newline, so that an unfinished line of a killed process does not spoil
    /// it.
    private func append(_ line: JSON) throws(VMError) {
        do throws(Errno) { try writeAll(Array("\n\(line.text)\n".utf8), to: file.descriptor) } catch {
            throw .system(error, path.string, "can't be written")
        }
    }

    /// Removes everything, then the file. Returns what could not be removed; the file then stays.
    ///
    /// - Parameter deadline: when the programs needed for it have to be done.
    borrowing func removeAll(by deadline: Deadline) -> [VMError] {
        guard namespace == here else { return [] }
        let failures = removeRemnants(by: deadline)
        if failures.isEmpty {
            removeFile(path)
            // Last, and with its lock held: a command that waits for it then notices that the file has changed.
            removeFile(lockPath)
        }
        return failures
    }

    /// In reverse order of creation.
    private borrowing func removeRemnants(by deadline: Deadline) -> [VMError] {
        remnants.reversed().compactMap { leftover in
            do throws(VMError) {
                try leftover.remove(by: deadline)
                return nil
            } catch { return error }
        }
    }

    /// The lock for a QEMU. It is taken before the lock is given back, so that the resource is not taken for left over.
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
