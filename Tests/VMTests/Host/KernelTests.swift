import CLinux
import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import VMCore
@testable import VMHost
@testable import VMLife

/// A directory that is removed with the test.
final class Scratch {
    let path: FilePath

    init() throws {
        var template = Array("/tmp/kvmctl-test-XXXXXX".utf8CString)
        path = FilePath(String(cString: try #require(mkdtemp(&template))))
    }

    deinit {
        for name in (try? names(in: path)) ?? [] { removeFile(path.appending(name)) }
        _ = path.withPlatformString { rmdir($0) }
    }
}

/// The macros of the test library copy their operands. A lock file can't be copied, so it is asked beforehand.
@Suite struct ByteLockTests {
    @Test func oneHolderAByteAndFreeWhenItGoes() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("lock")
        let asking = try ByteLockFile(creating: path, permissions: 0o600)
        let whileHeld = try holding(path) { () throws(Errno) in
            [try asking.isLocked(0), try asking.isLocked(1), try asking.tryLock(0), try asking.tryLock(1)]
        }
        #expect(whileHeld == [true, false, false, true])
        let afterwards = try asking.isLocked(0)
        #expect(!afterwards)
    }

    @Test func aDescriptorForReadingCanAsk() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("lock")
        let isLocked = try holding(path) { () throws(Errno) in try ByteLockFile(asking: path).isLocked(0) }
        #expect(isLocked)
    }

    @Test func knowsWhetherItIsStillTheFileAtThePath() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("lock")
        let file = try ByteLockFile(creating: path, permissions: 0o600)
        var answers = [file.isStillAt(path)]
        removeFile(path)
        answers.append(file.isStillAt(path))
        let other = try ByteLockFile(creating: path, permissions: 0o600)
        answers += [file.isStillAt(path), other.isStillAt(path)]
        #expect(answers == [true, false, false, true])
    }

    /// Does something while somebody else holds byte 0.
    private func holding<Result>(_ path: FilePath, _ body: () throws(Errno) -> Result) throws -> Result {
        let holder = try ByteLockFile(creating: path, permissions: 0o600)
        let isOurs = try holder.tryLock(0)
        #expect(isOurs)
        let result = try body()
        extendLifetime(holder)
        return result
    }
}

@Suite struct UIDPoolTests {
    @Test func twoVMsNeverShareAUID() throws {
        let scratch = try Scratch()
        let name = try #require(VMName("web"))
        let first = try UIDPool.take(for: name, in: scratch.path)
        let second = try UIDPool.take(for: name, in: scratch.path)
        let uids = [first.uid, second.uid]
        extendLifetime(first)
        #expect(Set(uids).count == 2)
        #expect(uids.allSatisfy { $0 >= UIDPool.first && $0 < UIDPool.first + UInt32(UIDPool.count) })
    }

    @Test func whatKeepsAUIDCanNotWrite() throws {
        let scratch = try Scratch()
        let lease = try UIDPool.take(for: try #require(VMName("web")), in: scratch.path)
        let flags = fcntl(lease.lock.rawValue, F_GETFL)
        #expect(flags & O_ACCMODE == O_RDONLY)
    }

    /// A QEMU that a guest took over can pass on its descriptor, and lock every byte of the file.
    @Test(arguments: [Int64(0), 1]) func aUIDThatAStrangerKeepsIsLeftToThem(_ byte: Int64) throws {
        let scratch = try Scratch()
        let name = try #require(VMName("web"))
        let first = try UIDPool.take(for: name, in: scratch.path)
        let uid = first.uid
        let stranger = try ByteLockFile(asking: scratch.path.appending(String(uid)))
        let isKept = try stranger.tryShare(byte)
        #expect(isKept)
        _ = consume first
        let second = try UIDPool.take(for: name, in: scratch.path).uid
        #expect(second != uid)
        extendLifetime(stranger)
    }

    @Test func aUIDIsFreeWhenItsHolderGoes() throws {
        let scratch = try Scratch()
        let name = try #require(VMName("web"))
        let uids = try (0..<2).map { _ in try UIDPool.take(for: name, in: scratch.path).uid }
        #expect(uids[0] == uids[1])
    }
}

@Suite struct SparseDiskTests {
    @Test func takesNoSpace() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("disk, with \"odd\" näme")
        try SparseDisk(path: path, size: ByteCount(bytes: 8 << 30)).create(.root)
        let made = try #require(try status(of: path))
        #expect(made.st_size == 8 << 30)
        #expect(made.st_blocks == 0)
    }

    @Test func neverReplacesAFile() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("disk")
        try replaceFile(path, with: Array("precious".utf8), permissions: 0o600)
        let failure = refusal { () throws(VMError) in
            try SparseDisk(path: path, size: ByteCount(bytes: 512)).create(.root)
        }
        #expect(failure == .cannotCreate)
        #expect(try readFile(path) == Array("precious".utf8))
    }

    @Test(
        arguments: [(0, .badData), (513, .badData), (-512, .badData), (Int64.max / 512 * 512, .cannotCreate)]
            as [(Int64, VMError.Code)])
    func refusesImpossibleSizes(_ bytes: Int64, _ code: VMError.Code) throws {
        let scratch = try Scratch()
        let failure = refusal { () throws(VMError) in
            try SparseDisk(path: scratch.path.appending("disk"), size: ByteCount(bytes: bytes)).create(.root)
        }
        #expect(failure == code)
        #expect(try names(in: scratch.path) == [])
    }

    @Test func saysWhichDirectoryIsMissing() throws {
        let scratch = try Scratch()
        let failure = refusal { () throws(VMError) in
            try SparseDisk(path: scratch.path.appending("no/disk"), size: ByteCount(bytes: 512)).create(.root)
        }
        #expect(failure == .notFound)
    }

    private func refusal(_ body: () throws(VMError) -> Void) -> VMError.Code? {
        do throws(VMError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }
}

@Suite struct ProcessTests {
    @Test func takesHoldOfTheProcessThatIsMeantOnly() throws {
        var found = clinux_process()
        #expect(clinux_process_look(getpid(), &found) == 0)
        #expect(!found.is_ending)
        let own = "\(getpid()) \(found.start_time)"
        // The same pid, started at another time: another process.
        let answers = try [own, "\(getpid()) 1"].map { text in
            try ProcessHandle.hold(try #require(ProcessIdentity(text))) != nil
        }
        #expect(answers == [true, false])
    }

    @Test func seesAZombieAsEnding() throws {
        var pid: pid_t = 0
        try #require(posix_spawn(&pid, "/bin/true", nil, nil, [strdup("true"), nil], nil) == 0)
        var information = siginfo_t()
        waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT)
        var found = clinux_process()
        #expect(clinux_process_look(pid, &found) == 0)
        #expect(found.is_ending)
        waitpid(pid, nil, 0)
        #expect(clinux_process_look(pid, &found) == -ESRCH)
    }

    /// A first thread that has ended is a zombie as long as another one goes on, and a QEMU that a guest took over can
    /// arrange that.
    @Test func aProcessWhoseFirstThreadHasEndedIsNotEnding() throws {
        // exit(2) of the main thread alone.
        let program =
            "import ctypes, threading, time\n"
            + "threading.Thread(target=time.sleep, args=(600,)).start()\nctypes.CDLL(None).syscall(60, 0)"
        var pid: pid_t = 0
        let words = ["python3", "-c", program].map { (word: String) in strdup(word) } + [nil]
        try #require(posix_spawn(&pid, "/usr/bin/python3", nil, nil, words, nil) == 0)
        defer { waitpid(pid, nil, 0) }
        var found = clinux_process()
        let deadline = Deadline(in: .seconds(30))
        func isZombie() -> Bool {
            let text = (try? readFile(FilePath("/proc/\(pid)/stat"))) ?? []
            return String(decoding: text, as: UTF8.self).contains(") Z ")
        }
        while !isZombie(), !deadline.hasPassed { pause(.milliseconds(5)) }
        #expect(isZombie())
        #expect(clinux_process_look(pid, &found) == 0)
        #expect(!found.is_ending)
        kill(pid, SIGKILL)
        // Now it is ending, or is a zombie that nobody has waited for.
        #expect(clinux_process_look(pid, &found) == 0)
        #expect(found.is_ending)
    }

    @Test(arguments: ["", "12", "x y", "-1 5", "0 5", "1 2 3", "1 -5", "1 9223372036854775807", "1 2 x boot"])
    func refusesWhatIsNoIdentity(_ text: String) { #expect(ProcessIdentity(text) == nil) }
}

@Suite struct UnixSocketTests {
    /// Deeper than the 107 bytes that sun_path holds.
    @Test func worksInADeepDirectory() throws {
        let scratch = try Scratch()
        let name = try #require(VMName(String(repeating: "n", count: 64)))
        var paths = Paths.system
        paths.run = scratch.path.appending(String(repeating: "d", count: 100))
        let directory = RuntimeDirectory(name, in: paths)
        try makeDirectories(directory.path, permissions: 0o700)
        let listener = try directory.listen(.monitor)
        let client = try directory.connect(.monitor)
        let descriptors = [client.rawValue, listener.rawValue]
        #expect(Set(descriptors).count == 2)
        removeFile(directory.path.appending("qmp.sock"))
        for place in [directory.path, paths.machines, paths.run] { _ = place.withPlatformString { rmdir($0) } }
    }
}
