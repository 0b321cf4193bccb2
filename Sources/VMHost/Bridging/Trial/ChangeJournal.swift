import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// The file by which a change to the host's network is rolled back or completed, RUN/net/BRIDGE, for root alone. It is
/// written before the change begins, and removed when the change is to stay:
/// - Its first line is a `ChangeRecord`.
/// - Its second line, written when all undoable steps are done, says that the change is to be completed.
/// - Byte 0 is locked by the process in charge of the change while that process lives.
/// - Byte 1 is locked by the process that decides whether a change on trial is kept.
///
/// The decision is made by emptying the file, which is then removed. A missing file alone decides nothing: all of
/// RUN/net may have been removed. If byte 0 is not locked the process in charge has ended, and root's next command
/// rolls the change back or completes it.
struct ChangeJournal: ~Copyable {
    private static let keeper: Int64 = 0
    static let decision: Int64 = 1

    let file: ByteLockFile
    let path: FilePath
    let record: ChangeRecord

    /// The second line. It counts only if it is complete.
    private static let completion = Array("\nfinish\n".utf8)

    /// Writes the journal of a change that is about to begin.
    ///
    /// - Throws: `.busy` if another change to the bridge is still undecided.
    static func begin(_ record: ChangeRecord, in paths: Paths) throws(VMError) -> ChangeJournal {
        try makePrivateDirectory(paths.networkChanges, below: paths.run)
        let path = paths.networkChanges.appending(record.bridge.description)
        while true {
            let file = try ByteLockFile.make(path, permissions: 0o600)
            guard try file.take(keeper, of: path) else { throw underWay(record.bridge) }
            // The previous holder may just have removed it.
            guard file.isStillAt(path) else { continue }
            return try write(record, to: file, at: path)
        }
    }

    private static func write(
        _ record: ChangeRecord, to file: consuming ByteLockFile, at path: FilePath
    ) throws(VMError) -> ChangeJournal {
        do throws(Errno) {
            // Any content belongs to another namespace: the sweep before this command handles this one's.
            let found = try readAll(file.descriptor, limit: 1)
            guard found.isEmpty else { throw .resourceBusy }
            try writeAll(Array(record.json.text.utf8), to: file.descriptor)
        } catch .resourceBusy {
            throw VMError(
                .busy, record.bridge.description, "a change to it in another network namespace is still undecided",
                remedy: "run \(command: "kvmctl net show") there, or set KVMCTL_RUN to another directory for this one")
        } catch {
            removeFile(path)
            throw .system(error, path.string, "can't be written")
        }
        return ChangeJournal(file: file, path: path, record: record)
    }

    private static func underWay(_ bridge: InterfaceName) -> VMError {
        VMError(
            .busy, bridge.description, "a change to it is on trial or in progress",
            remedy: "if it is on trial, \(command: "kvmctl net confirm \(bridge)") keeps it; else wait")
    }

    private init(file: consuming ByteLockFile, path: FilePath, record: ChangeRecord) {
        self.file = file
        self.path = path
        self.record = record
    }

    /// Takes over the journal, and its lock, that another process of this command has begun.
    ///
    /// - Throws: `.badData` if it is no journal.
    init(inherited descriptor: FileDescriptor, at path: FilePath) throws(VMError) {
        let file = ByteLockFile(inherited: descriptor)
        guard let record = try? Self.read(file) else {
            throw VMError(.badData, path.string, "is not a journal of a change")
        }
        self.init(file: file, path: path, record: record)
    }

    /// The journal's change; nil if it was not written completely.
    private static func read(_ file: borrowing ByteLockFile) throws(Errno) -> ChangeRecord? {
        try lines(of: file).first.flatMap { try? JSON(parsing: $0) }.flatMap(ChangeRecord.init)
    }

    private static func lines(of file: borrowing ByteLockFile) throws(Errno) -> [ArraySlice<UInt8>] {
        lseek(file.descriptor.rawValue, 0, SEEK_SET)
        return try readAll(file.descriptor, limit: 1 << 22).split(separator: UInt8(ascii: "\n"))
    }

    /// Whether the change is to be completed.
    ///
    /// - Throws: if that can't be read. Rolling back a change that has to be completed would leave half of each.
    func isCommitted() throws(Errno) -> Bool {
        let lines = try Self.lines(of: file)
        return lines.count == 2 && lines[1].elementsEqual(Self.completion.dropFirst().dropLast())
    }

    /// From now on the change is to be completed, not rolled back.
    func commit() throws(VMError) {
        do throws(Errno) {
            lseek(file.descriptor.rawValue, 0, SEEK_END)
            try writeAll(Self.completion, to: file.descriptor)
        } catch {
            throw .system(error, path.string, "can't be written")
        }
    }

    /// The descriptor with the lock, for a process that inherits it.
    var descriptor: FileDescriptor { file.descriptor }

    /// Whether the change is still undecided. Another process may have kept it.
    var isOpen: Bool { (try? file.length()) != 0 }

    /// Ends the journal when nothing is left to be rolled back or completed. If this fails, doing it again changes
    /// nothing.
    consuming func close() {
        try? Self.decide(file)
        Self.remove(file, at: path)
    }

    /// - Throws: if the file can't be emptied: nothing is decided then.
    private static func decide(_ file: borrowing ByteLockFile) throws(Errno) {
        guard ftruncate(file.descriptor.rawValue, 0) == 0 else { throw Errno(rawValue: errno) }
    }

    private static func remove(_ file: borrowing ByteLockFile, at path: FilePath) {
        // There may be another file by now.
        if file.isStillAt(path) { removeFile(path) }
    }
}

extension ChangeJournal {
    /// Keeps the change on trial to one bridge, or all changes on trial.
    ///
    /// - Parameter isDry: only report which.
    /// - Returns: the bridges.
    static func keep(_ bridge: InterfaceName?, in paths: Paths, isDry: Bool) throws(VMError) -> [InterfaceName] {
        var kept: [InterfaceName] = []
        for name in try bridges(in: paths) where bridge == nil || name == bridge {
            let path = paths.networkChanges.appending(name.description)
            guard let file = try? ByteLockFile(changing: path), (try? file.isHeld(keeper)) == true else { continue }
            if !isDry {
                guard try file.take(decision, of: path), file.isStillAt(path) else {
                    throw VMError(
                        .timedOut, name.description, "the change is already being rolled back",
                        remedy: "make it again: \(command: "kvmctl net up \(name)") with the same options")
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

    /// Whether a change to a bridge is in progress or on trial; false if the caller may not look.
    static func isOpen(_ bridge: InterfaceName, in paths: Paths) -> Bool {
        let path = paths.networkChanges.appending(bridge.description)
        return (try? ByteLockFile(asking: path).isHeld(keeper)) == true
    }

    /// The seconds left of the trial of a change to a bridge; nil if none is on trial, or if the caller may not look.
    static func secondsLeft(_ bridge: InterfaceName, in paths: Paths) -> Int64? {
        let path = paths.networkChanges.appending(bridge.description)
        guard let file = try? ByteLockFile(asking: path), (try? file.isHeld(keeper)) == true,
            let end = try? read(file)?.end
        else { return nil }
        let (left, overflow) = end.subtractingReportingOverflow(BootClock.seconds)
        return overflow ? nil : max(0, left)
    }

    /// Rolls back or completes the changes whose processes have ended.
    ///
    /// - Returns: the bridges, each with the outcome of its change.
    static func sweep(_ paths: Paths) throws(VMError) -> [(bridge: InterfaceName, settlement: Settlement)] {
        guard geteuid() == 0 else { return [] }
        return try bridges(in: paths).compactMap { bridge in
            settleLeftOver(bridge, in: paths).map { (bridge, $0) }
        }
    }

    /// Rolls back or completes one change if its process has ended; nil if there was nothing to do.
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
            // The process was killed before the change began, or the host has rebooted and the change is gone.
            removeFile(path)
            return nil
        }
        guard record.place == here else { return nil }
        return ChangeJournal(file: file, path: path, record: record).settle()
    }

    private static func bridges(in paths: Paths) throws(VMError) -> [InterfaceName] {
        try RunFileOwnership.names(in: paths.networkChanges).compactMap { InterfaceName($0) }
    }
}
