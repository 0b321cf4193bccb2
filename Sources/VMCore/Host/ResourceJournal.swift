import Glibc
import SystemPackage

/// The file of a `HostResource`, with the turn to change it.
struct ResourceJournal: ~Copyable {
    /// The byte that each holder has a read lock on.
    static let life: Int64 = 0
    /// The byte that whoever changes the resource has locked.
    private static let turn: Int64 = 1

    private let file: ByteLockFile
    private let path: FilePath
    /// The network namespace that it was made in, by its inode: things of another can't be seen from here.
    private let namespace: Int64
    private var remnants: [Remnant] = []

    /// Whether some VM holds the resource.
    let isHeld: Bool

    /// Waits for the turn; nil where it is not to be had in time, or the file is not there.
    static func open(
        _ path: FilePath, creating: Bool, by deadline: Deadline
    ) throws(VMError) -> ResourceJournal? {
        while true {
            let file: ByteLockFile
            do throws(Errno) {
                file = try creating ? ByteLockFile(creating: path, permissions: 0o600) : ByteLockFile(changing: path)
            } catch .noSuchFileOrDirectory where !creating {
                return nil
            } catch {
                throw .system(error, path.string, "can't be opened")
            }
            guard try file.take(turn, of: path, by: deadline) else { return nil }
            // Whoever had the turn before may have removed it.
            if file.isStillAt(path) { return try read(file, path) }
        }
    }

    private init(_ file: consuming ByteLockFile, _ path: FilePath, _ lines: [JSON], isHeld: Bool) {
        self.file = file
        self.path = path
        self.isHeld = isHeld
        namespace = lines.compactMap { $0["namespace"]?.integer }.first ?? Self.ownNamespace
        remnants = lines.compactMap(Remnant.init)
    }

    private static func read(_ file: consuming ByteLockFile, _ path: FilePath) throws(VMError) -> ResourceJournal {
        do throws(Errno) {
            let isHeld = try file.isHeld(life)
            // What can't be parsed is the last line of a process that was killed, which then made nothing of it.
            let lines = try readAll(file.descriptor, limit: 1 << 20).split(separator: UInt8(ascii: "\n"))
                .compactMap { try? JSON(parsing: $0) }
            return ResourceJournal(file, path, lines, isHeld: isHeld)
        } catch {
            throw .system(error, path.string, "can't be read")
        }
    }

    /// Makes it ready for what will be noted: what is left over from another time is removed first.
    mutating func begin() throws(VMError) {
        guard namespace == Self.ownNamespace else {
            throw VMError(
                .busy, path.string, "it was made in another network namespace",
                remedy:
                    "run kvmctl there, or set KVMCTL_RUN to another directory for this one; where that namespace is gone: "
                    + "`rm \(shellQuoted(path.string))`")
        }
        guard !isHeld else { return }
        if let failure = removeRemnants().first { throw failure }
        remnants = []
        guard ftruncate(file.descriptor.rawValue, 0) == 0 else {
            throw .system(Errno(rawValue: errno), path.string, "can't be written")
        }
        lseek(file.descriptor.rawValue, 0, SEEK_SET)
        try append(["namespace": .integer(namespace)])
    }

    /// Whether this is one of the things that were noted.
    func lists(_ remnant: Remnant) -> Bool { remnants.contains(remnant) }

    /// Notes what is about to be made.
    mutating func note(_ remnant: Remnant) throws(VMError) {
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
    borrowing func removeAll() -> [VMError] {
        guard namespace == Self.ownNamespace else { return [] }
        let failures = removeRemnants()
        if failures.isEmpty { removeFile(path) }
        return failures
    }

    /// The last one made is the first to go.
    private borrowing func removeRemnants() -> [VMError] {
        remnants.reversed().compactMap { remnant in
            do throws(VMError) {
                try remnant.remove()
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

    private static var ownNamespace: Int64 { Whereabouts.networkNamespace }
}
