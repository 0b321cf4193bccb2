import BridgeNet
import Glibc
import SystemPackage

/// The file that takes a change to the host's network back, RUN/net/BRIDGE, for root alone. It is written before the
/// change begins and removed when the change is to stay:
/// - its content is a `ChangeRecord`;
/// - byte 0 is locked by the process that sees to the change, for as long as that lives;
/// - byte 1 is the turn of whoever decides what becomes of it.
///
/// Who decides removes the file, and empties it: that it has gone, with all of RUN/net maybe, decides nothing.
/// With nobody's lock on byte 0 its process was killed, and the next command of root's takes the change back.
struct ChangeJournal: ~Copyable {
    private static let keeper: Int64 = 0
    private static let decision: Int64 = 1

    private let file: ByteLockFile
    private let path: FilePath
    let record: ChangeRecord

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
        guard let record = Self.read(file) else { throw VMError(.badData, path.string, "is no journal of a change") }
        self.init(file: file, path: path, record: record)
    }

    private static func read(_ file: borrowing ByteLockFile) -> ChangeRecord? {
        lseek(file.descriptor.rawValue, 0, SEEK_SET)
        guard let bytes = try? readAll(file.descriptor, limit: 1 << 22) else { return nil }
        return (try? JSON(parsing: bytes)).flatMap(ChangeRecord.init)
    }

    /// The descriptor with the lock, for a process that is to inherit it.
    var descriptor: FileDescriptor { file.descriptor }

    /// Whether the change is still to be decided: another process may have kept it.
    var isOpen: Bool { (try? file.length()) != 0 }

    /// The change stays.
    consuming func keep() { Self.close(file, at: path) }

    private static func close(_ file: borrowing ByteLockFile, at path: FilePath) {
        // What is there now may be another one.
        if file.isStillAt(path) { removeFile(path) }
        ftruncate(file.descriptor.rawValue, 0)
    }

    /// Takes the change back, unless it was kept.
    ///
    /// - Returns: What could not be taken back; nil where somebody else has decided, one way or the other.
    consuming func takeBack() -> [VMError]? {
        let deadline = Deadline(in: .seconds(5))
        while (try? file.tryLock(Self.decision)) == false, !deadline.hasPassed { pause(.milliseconds(1)) }
        guard isOpen else { return nil }
        defer { Self.close(file, at: path) }
        do throws(NetworkError) {
            var socket = try RouteSocket()
            if let now = try socket.link(named: record.bridge), !record.identity.isThat(of: now) {
                return [
                    VMError(
                        .busy, record.bridge.description,
                        "the change to it is not taken back: somebody has made the bridge anew since")
                ]
            }
            return socket.perform(record.undo).map { VMError($0) }
        } catch {
            return [VMError(error)]
        }
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
                close(file, at: path)
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
            let end = read(file)?.end
        else { return nil }
        return max(0, end - BootClock.seconds)
    }

    /// Takes back the changes whose processes were killed.
    ///
    /// - Returns: The bridges whose changes were taken back, and what could not be.
    static func sweep(_ paths: Paths) -> (bridges: [InterfaceName], failures: [VMError]) {
        guard geteuid() == 0 else { return ([], []) }
        var swept: (bridges: [InterfaceName], failures: [VMError]) = ([], [])
        do throws(VMError) {
            for bridge in try bridges(in: paths) {
                guard let failures = takeBackLeftOver(bridge, in: paths) else { continue }
                if failures.isEmpty { swept.bridges.append(bridge) }
                swept.failures += failures
            }
        } catch { swept.failures.append(error) }
        return swept
    }

    /// Takes one back, where its process was killed.
    ///
    /// - Returns: What could not be taken back; nil where there was nothing to do.
    private static func takeBackLeftOver(_ bridge: InterfaceName, in paths: Paths) -> [VMError]? {
        let path = paths.networkChanges.appending(bridge.description)
        let file: ByteLockFile
        do throws(Errno) { file = try ByteLockFile(changing: path) } catch .noSuchFileOrDirectory { return nil } catch {
            return [.unusable(error, path)]
        }
        guard (try? file.tryLock(keeper)) == true, file.isStillAt(path) else { return nil }
        let here: ChangeRecord.Place
        do throws(VMError) { here = try .current() } catch { return [error] }
        guard let record = read(file), record.place.boot == here.boot else {
            // Killed while it was written, before the change; or the change went with the kernel that had it.
            removeFile(path)
            return nil
        }
        guard record.place == here else { return nil }
        return ChangeJournal(file: file, path: path, record: record).takeBack()
    }

    private static func bridges(in paths: Paths) throws(VMError) -> [InterfaceName] {
        try Custody.names(in: paths.networkChanges).compactMap { InterfaceName($0) }
    }
}
