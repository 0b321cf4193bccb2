import CLinux
import Glibc
import SystemPackage
import Testing

@testable import BridgeKernel
@testable import VMCore
@testable import VMHost
@testable import VMLife

/// Whether a VM lives, by its lock and by the process that signed.
@Suite struct VMLifeTests {
    private let scratch: Scratch
    private let life: VMLock

    init() throws {
        scratch = try Scratch()
        life = VMLock(directory: scratch.path)
    }

    /// The signature of this process.
    private static func own(start: Int64? = nil, namespace: Int64? = nil, boot: String? = nil) throws -> String {
        var found = clinux_process()
        clinux_process_look(getpid(), &found)
        let here = (namespace: try BootAndNamespaces.pidNamespace(), boot: try BootAndNamespaces.boot())
        return "\(getpid()) \(start ?? found.start_time) \(namespace ?? here.namespace) \(boot ?? here.boot)\n"
    }

    private func sign(_ text: String) throws {
        try replaceFile(life.processFile, with: Array(text.utf8), permissions: 0o640)
    }

    /// What is seen with or without a lock on the VM's life.
    private func signs(locked: Bool, holdingOperation: Bool = false) throws -> VMLock.Signs {
        let lock = try ByteLockFile(creating: life.lockFile, .readOnly, permissions: 0o640)
        if locked { _ = try lock.tryShare(VMLock.byte) }
        let signs = try life.signs(holdingOperation: holdingOperation)
        extendLifetime(lock)
        return signs
    }

    @Test func nothingIsThere() throws {
        #expect(try life.signs() == .none)
    }

    @Test func whoSignedAndLives() throws {
        try sign(Self.own())
        guard case .alive(let holder) = try signs(locked: true) else {
            Issue.record("it is not alive")
            return
        }
        #expect(holder.pid == getpid())
    }

    @Test func signedForAnother() throws {
        let process = try #require(try ProcessIdentity(current: getpid()))
        try life.sign(for: process, lookers: nil)
        #expect(try life.signer == process && life.signs() == .alive(process))
        #expect(try readOwnFile(life.processFile) == Array(Self.own().utf8))
    }

    /// A QEMU that a guest took over can do that, to look as if it had ended.
    @Test func whoGaveItsLockBackStillLives() throws {
        try sign(Self.own())
        guard case .alive = try signs(locked: false) else {
            Issue.record("it is not alive")
            return
        }
    }

    @Test(arguments: [
        try? own(start: 1),  // another process has its pid by now
        try? own(boot: "11111111-2222-3333-4444-555555555555"),  // and may have had that start time too
        "4194305 1 1 x\n",  // beyond any pid
    ])
    func aLockThatADeadOnePassedOnSaysNothing(_ signature: String?) throws {
        try sign(#require(signature))
        #expect(try signs(locked: true) == .none)
    }

    /// A pid of another namespace means nothing here: the lock decides, which is the same everywhere.
    @Test func anotherPIDNamespace() throws {
        try sign(Self.own(namespace: 1))
        #expect(try signs(locked: true) != .none)
        #expect(try signs(locked: false) == .none)
    }

    /// As earlier versions of kvmctl signed, which did not note the boot.
    @Test func twoWordsNeedTheLock() throws {
        try sign(Self.own().split(separator: " ").prefix(2).joined(separator: " "))
        #expect(try signs(locked: true) != .none)
        #expect(try signs(locked: false) == .none)
    }

    @Test func aLockWithoutASignatureIsAStartIfSomebodyHasTheTurn() throws {
        try sign("")
        #expect(try signs(locked: true) == .none)
        let turns = try ByteLockFile(creating: life.locksFile, permissions: 0o600)
        _ = try turns.tryLock(VMLock.operation)
        #expect(try signs(locked: true) == .starting)
        #expect(try signs(locked: true, holdingOperation: true) == .none)
        extendLifetime(turns)
    }

    /// A failure to look is not an absence.
    @Test(arguments: ["lock", "process", "locks"]) func whatIsNoFileIsAnError(_ name: String) throws {
        _ = scratch.path.appending(name).withPlatformString { mkdir($0, 0o700) }
        defer { removeDirectory(scratch.path.appending(name)) }
        if name == "locks" {
            let lock = try ByteLockFile(creating: life.lockFile, .readOnly, permissions: 0o640)
            _ = try lock.tryShare(VMLock.byte)
            #expect(throws: Errno.self) { try life.signs() }
            extendLifetime(lock)
        } else {
            #expect(throws: Errno.self) { try life.signs() }
        }
    }

    @Test func whatQEMUGetsCanNotWrite() throws {
        let lock = try life.begin(lookers: nil)
        let flags = fcntl(lock.rawValue, F_GETFL)
        #expect(flags & O_ACCMODE == O_RDONLY)
        let length = write(lock.rawValue, "x", 1)
        #expect(length == -1 && errno == EBADF)
    }

    /// Anyone who may read the file can keep a lock on it, and a dead QEMU may have passed on its own.
    @Test func aStrangersLockKeepsNobodyFromStarting() throws {
        let stranger = try ByteLockFile(creating: life.lockFile, .readOnly, permissions: 0o640)
        _ = try stranger.tryShare(VMLock.byte)
        try sign("4194305 1 1 x\n")
        let own = try life.begin(lookers: nil)
        let signature = try life.forgetSigner(lookers: nil)
        // The stranger's lock is on another file now, and means nothing.
        let isStill = stranger.isStillAt(life.lockFile)
        #expect(!isStill)
        try own.release().closeFile()
        #expect(try life.signs() == .none)
        extendLifetime(signature)
        extendLifetime(stranger)
    }
}

extension CInt {
    fileprivate func closeFile() throws { try FileDescriptor(rawValue: self).close() }
}
