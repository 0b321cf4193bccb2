import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// The file by which a change to the host's network is undone or completed, RUN/net/BRIDGE, for root alone. It is written
/// before the change begins and removed when the change is to stay:
/// - its first line is a `ChangeRecord`;
/// - its second line, written when all is done that can be undone, says that the change is to be completed;
/// - byte 0 is locked by the process that sees to the change, for as long as that lives;
/// - byte 1 is the turn of whoever decides what becomes of a change on trial.
///
/// Who decides that empties the file, and removes it: that it has gone, with all of RUN/net maybe, decides nothing.
/// With nobody's lock on byte 0 its process has ended, and root's next command undoes or completes the change.
struct ChangeJournal: ~Copyable {
    private static let keeper: Int64 = 0
    static let decision: Int64 = 1

    let file: ByteLockFile
    let path: FilePath
    let record: ChangeRecord

    /// The second line. It counts only as a whole.
    private static let completion = Array("\nfinish\n".utf8)

    /// Writes the journal of a change that is about to begin.
    ///
    /// - Throws: `.busy` where another change to the bridge is not decided yet.
    static func begin(_ record: ChangeRecord, in paths: Paths) throws(VMError) -> ChangeJournal {
        try makePrivateDirectory(paths.networkChanges, below: paths.run)
        let path = paths.networkChanges.appending(record.bridge.description)
        while true {
            let file = try ByteLockFile.make(path, permissions: 0o600)
            guard try file.take(keeper, of: path) else { throw underWay(record.bridge) }
            // Whoever had it before may just have removed it.
            guard file.isStillAt(path) else { continue }
            return try write(record, to: file, at: path)
        }
    }

    private static func write(
        _ record: ChangeRecord, to file: consuming ByteLockFile, at path: FilePath
    ) throws(VMError) -> ChangeJournal {
        do throws(Errno) {
            // What is there is another namespace's, or the sweep before this command would have seen to it.
            let found = try readAll(file.descriptor, limit: 1)
            guard found.isEmpty else { throw .resourceBusy }
            try writeAll(Array(record.json.text.utf8), to: file.descriptor)
        } catch .resourceBusy {
            throw VMError(
                .busy, record.bridge.description, "a change to it in another network namespace is not decided yet",
                remedy: "run \(command: "kvmctl net show") there, or set KVMCTL_RUN to another directory for this one")
        } catch {
            removeFile(path)
            throw .system(error, path.string, "can't be written")
        }
        return ChangeJournal(file: file, path: path, record: record)
    }

    private static func underWay(_ bridge: InterfaceName) -> VMError {
        VMError(
            .busy, bridge.description, "a change to it is on trial, or just being made",
            remedy: "if it is on trial, \(command: "kvmctl net confirm \(bridge)") keeps it; else wait")
    }

    private init(file: consuming ByteLockFile, path: FilePath, record: ChangeRecord) {
        self.file = file
        self.path = path
        self.record = record
    }

    /// Takes over the journal that another process of this command has begun, and its lock.
    ///
    /// - Throws: `.badData` if it is none.
    init(inherited descriptor: FileDescriptor, at path: FilePath) throws(VMError) {
        let file = ByteLockFile(inherited: descriptor)
        guard let record = try? Self.read(file) else {
            throw VMError(.badData, path.string, "is no journal of a change")
        }
        self.init(file: file, path: path, record: record)
    }

    /// What the journal is of; nil where it was not written to its end.
    private static func read(_ file: borrowing ByteLockFile) throws(Errno) -> ChangeRecord? {
        try lines(of: file).first.flatMap { try? JSON(parsing: $0) }.flatMap(ChangeRecord.init)
    }

    private static func lines(of file: borrowing ByteLockFile) throws(Errno) -> [ArraySlice<UInt8>] {
        lseek(file.descriptor.rawValue, 0, SEEK_SET)
        return try readAll(file.descriptor, limit: 1 << 22).split(separator: UInt8(ascii: "\n"))
    }

    /// Whether the change is to be completed.
    ///
    /// - Throws: Where that can't be read: to undo what is to be completed would leave half of each.
    func isCommitted() throws(Errno) -> Bool {
        let lines = try Self.lines(of: file)
        return lines.count == 2 && lines[1].elementsEqual(Self.completion.dropFirst().dropLast())
    }

    /// From now on the change is completed, and not undone any more.
    func commit() throws(VMError) {
        do throws(Errno) {
            lseek(file.descriptor.rawValue, 0, SEEK_END)
            try writeAll(Self.completion, to: file.descriptor)
        } catch {
            throw .system(error, path.string, "can't be written")
        }
    }

    /// The descriptor with the lock, for a process that is to inherit it.
    var descriptor: FileDescriptor { file.descriptor }

    /// Whether the change is still to be decided: another process may have kept it.
    var isOpen: Bool { (try? file.length()) != 0 }

    /// There is nothing left to be undone or completed: to do it once more would change nothing.
    consuming func close() {
        try? Self.decide(file)
        Self.remove(file, at: path)
    }

    /// - Throws: Where the file can't be emptied, and so nothing is decided.
    private static func decide(_ file: borrowing ByteLockFile) throws(Errno) {
        guard ftruncate(file.descriptor.rawValue, 0) == 0 else { throw Errno(rawValue: errno) }
    }

    private static func remove(_ file: borrowing ByteLockFile, at path: FilePath) {
        // What is there now may be another one.
        if file.isStillAt(path) { removeFile(path) }
    }
}

extension ChangeJournal {
    /// Keeps changes that are on trial: that to one bridge, or all.
    ///
    /// - Parameter isDry: only says which.
    /// - Returns: The bridges.
    static func keep(_ bridge: InterfaceName?, in paths: Paths, isDry: Bool) throws(VMError) -> [InterfaceName] {
        var kept: [InterfaceName] = []
        for name in try bridges(in: paths) where bridge == nil || name == bridge {
            let path = paths.networkChanges.appending(name.description)
            guard let file = try? ByteLockFile(changing: path), (try? file.isHeld(keeper)) == true else { continue }
            if !isDry {
                guard try file.take(decision, of: path), file.isStillAt(path) else {
                    throw VMError(
                        .timedOut, name.description, "the change is just being taken back",
                        remedy: "make it again: \(command: "kvmctl net up \(name)") with the options it had")
                }
                do throws(Errno) { try decide(file) } catch {
                    throw .system(error, path.string, "can't be emptied, so the change is not kept")
                }
                remove(file, at: path)
            }
            kept.append(name)
        }
        return kept
    }

    /// Whether a change to a bridge is being made, or on trial, as far as the caller may look.
    static func isOpen(_ bridge: InterfaceName, in paths: Paths) -> Bool {
        let path = paths.networkChanges.appending(bridge.description)
        return (try? ByteLockFile(asking: path).isHeld(keeper)) == true
    }

    /// For how long a change to a bridge is still on trial; nil where none is, or the caller may not look.
    static func secondsLeft(_ bridge: InterfaceName, in paths: Paths) -> Int64? {
        let path = paths.networkChanges.appending(bridge.description)
        guard let file = try? ByteLockFile(asking: path), (try? file.isHeld(keeper)) == true,
            let end = try? read(file)?.end
        else { return nil }
        let (left, overflow) = end.subtractingReportingOverflow(BootClock.seconds)
        return overflow ? nil : max(0, left)
    }

    /// Undoes or completes the changes whose processes have ended.
    ///
    /// - Returns: The bridges, and what became of the change to each.
    static func sweep(_ paths: Paths) throws(VMError) -> [(bridge: InterfaceName, settlement: Settlement)] {
        guard geteuid() == 0 else { return [] }
        return try bridges(in: paths).compactMap { bridge in
            settleLeftOver(bridge, in: paths).map { (bridge, $0) }
        }
    }

    /// Undoes or completes one, where its process has ended; nil where there was nothing to do.
    private static func settleLeftOver(_ bridge: InterfaceName, in paths: Paths) -> Settlement? {
        let path = paths.networkChanges.appending(bridge.description)
        let file: ByteLockFile
        do throws(Errno) { file = try ByteLockFile(changing: path) } catch .noSuchFileOrDirectory { return nil } catch {
            return Settlement(failures: [.unusable(error, path)])
        }
        guard (try? file.tryLock(keeper)) == true, file.isStillAt(path) else { return nil }
        let (here, found): (ChangeRecord.Place, ChangeRecord?)
        do throws(VMError) {
            here = try .current()
            do throws(Errno) { found = try read(file) } catch { throw .system(error, path.string, "can't be read") }
        } catch { return Settlement(failures: [error]) }
        guard let record = found, record.place.boot == here.boot else {
            // Killed while it was written, before the change; or the change went with the kernel that had it.
            removeFile(path)
            return nil
        }
        guard record.place == here else { return nil }
        return ChangeJournal(file: file, path: path, record: record).settle()
    }

    private static func bridges(in paths: Paths) throws(VMError) -> [InterfaceName] {
        try Custody.names(in: paths.networkChanges).compactMap { InterfaceName($0) }
    }
}
