import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The files of a suspended VM, in the directory of its params file.
///
/// For `vm.params`, `vm.state` is its memory, written by QEMU. `vm.suspended` describes the VM, and with it the VM is
/// suspended: it appears when the memory is complete. QEMU has no descriptor of it, because root acts on what it says.
/// While a start uses the state up, it is called `vm.resuming`, so that no state is ever used twice: a guest that has run
/// since has other disks than the memory knows.
///
/// They are called after the params file and not after the VM, whose name changes with that of its directory: a state that
/// was no longer found would be lost without a word.
struct StateFiles {
    private let vm: Machine
    /// What their names begin with.
    private let stem: String

    init(of vm: Machine) {
        self.vm = vm
        stem = vm.file.stemOfParams
    }

    /// Says that the VM is suspended, and what it was.
    var mark: FilePath { path(markName) }
    /// The same, while a start uses the state up.
    var resuming: FilePath { path(resumingName) }
    /// The memory.
    var memory: FilePath { path(memoryName) }

    private var memoryName: String { "\(stem).state" }
    private var markName: String { "\(stem).suspended" }
    private var resumingName: String { "\(stem).resuming" }
    private func path(_ name: String) -> FilePath { vm.file.removingLastComponent().appending(name) }

    /// All of them, in the order in which they are removed: a memory that nothing describes means nothing.
    var all: [FilePath] { [mark, resuming, memory] }

    /// Whether the VM's next start goes on with a saved state. Only asked of a VM that does not run.
    var areInForce: Bool {
        get throws(VMError) {
            do throws(Errno) {
                if try isThere(markName, beside: vm.file) { return true }
                guard try isThere(resumingName, beside: vm.file) else { return false }
            } catch { throw .system(error, mark.string, "can't tell whether the VM is suspended") }
            let record = vm.paths.record(vm.name)
            // The record was there before the state was called that.
            guard try isPresent(record) else {
                throw VMError(
                    .busy, vm.name.description,
                    "it was being resumed, and its flight record is gone: can't tell whether its guest has run since",
                    remedy: .orDiscard("put \(record) back"))
            }
            return try !FlightRecord.everRan(record)
        }
    }

    /// What the VM was; nil if it is not suspended.
    ///
    /// - Throws: `.badData` if that can't be used; `.denied` if somebody else could have written it.
    func read(_ trust: FileTrust) throws(VMError) -> SavedMachine? {
        let path = try isPresent(mark) ? mark : resuming
        guard try areInForce else { return nil }
        let bytes = try Self.find(path, trust) { (found: borrowing FoundFile) throws(Errno) in
            let opened = try found.openRegular()
            return try readAll(opened.descriptor, limit: 1 << 20)
        }
        do throws(SavedMachine.Fault) { return try SavedMachine(parsing: bytes ?? []) } catch {
            switch error {
            case .malformed:
                throw VMError(
                    .badData, path.string, "is not what suspend writes", remedy: .orDiscard("put the right file back"))
            case .version(let number):
                throw VMError(
                    .badData, path.string, "was written by another kvmctl: its version is \(number)",
                    remedy: .orDiscard("start it with that kvmctl"))
            }
        }
    }

    /// What a start needs to know of them; nil if the VM is not suspended.
    func state(_ saved: SavedMachine, _ trust: FileTrust) throws(VMError) -> SavedState {
        let found = try Self.find(memory, trust) { (found: borrowing FoundFile) throws(Errno) in
            let opened = try found.openRegular()
            return (identity: FileIdentity(try opened.status()), stamp: try MediumStamp(opened))
        }
        guard let found else {
            throw VMError(
                .badData, memory.string, "is gone, and \(vm.name) is suspended", remedy: .orDiscard("put it back"))
        }
        guard found.stamp == saved.memory else {
            let (size, written) = (found.stamp.size, saved.memory.size)
            throw VMError(
                .badData, memory.string,
                size == written
                    ? "was written to since the VM was suspended" : "has \(size) bytes, and suspend wrote \(written)",
                remedy: .orDiscard("put the right file back, with its time (cp -p)"))
        }
        return SavedState(saved, memory: memory, identity: found.identity)
    }

    /// A memory that nothing describes, of a VM that is not suspended; nil if there is none.
    ///
    /// A power cut leaves one before the VM is suspended. But its description may also have been lost later.
    var orphanedMemory: FilePath? {
        get throws(VMError) {
            do throws(Errno) { return try isThere(memoryName, beside: vm.file) ? memory : nil } catch {
                throw .system(error, memory.string, "can't tell whether it is there")
            }
        }
    }

    private func isPresent(_ path: FilePath) throws(VMError) -> Bool {
        do throws(Errno) { return try isThere(path) } catch {
            throw .system(error, path.string, "can't tell whether the VM is suspended")
        }
    }
}

// What is done to them. The caller holds the operation lock.
extension StateFiles {
    /// Completes or undoes what a killed start has left: the VM does not run.
    func settle(_ trust: FileTrust) throws(VMError) {
        guard try isPresent(resuming) else { return }
        if try isPresent(mark) { return try remove([resuming], trust) }
        try areInForce ? giveBack(trust) : remove([resuming, memory], trust)
    }

    /// Marks the state as being used up.
    func beginUse(_ trust: FileTrust) throws(VMError) { try rename(mark, to: resuming, trust) }

    /// Undoes that: the guest did not run.
    func giveBack(_ trust: FileTrust) throws(VMError) { try rename(resuming, to: mark, trust) }

    /// Removes all of them. None of them may be there.
    func remove(_ trust: FileTrust) throws(VMError) { try remove(all, trust) }

    /// What somebody else put there, as anybody can in a directory such as /tmp, is no state of the VM's, and stays.
    private func remove(_ paths: [FilePath], _ trust: FileTrust) throws(VMError) {
        for path in paths {
            do throws(VMError) {
                _ = try Self.find(path, trust) { (found: borrowing FoundFile) throws(Errno) in
                    guard let identity = found.identity else { return }
                    try found.remove(identity)
                    try found.syncDirectory()
                }
            } catch  where error.code == .denied {}
        }
    }

    private func rename(_ path: FilePath, to other: FilePath, _ trust: FileTrust) throws(VMError) {
        guard let name = other.lastComponent else { return }
        _ = try Self.find(path, trust) { (found: borrowing FoundFile) throws(Errno) in
            if let identity = found.identity { try found.rename(identity, to: name) }
        }
    }

    /// Does something with a file; nil if there is none.
    private static func find<Result>(
        _ path: FilePath, _ trust: FileTrust, _ act: (borrowing FoundFile) throws(Errno) -> Result
    ) throws(VMError) -> Result? {
        do throws(PathWalk.Failure) {
            let found = try trust.find(path)
            guard found.status != nil else { return nil }
            do throws(Errno) { return try act(found) } catch { throw .system(error, path) }
        } catch {
            switch error {
            case .system(.noSuchFileOrDirectory, _): return nil
            case .system(let errno, _): throw .system(errno, path.string, "the VM's saved state can't be used")
            case .distrusted(let distrust):
                throw VMError(.denied, path.string, distrust.sentence(for: path), remedy: distrust.remedy)
            }
        }
    }
}

extension FilePath {
    /// The name of a params file without its extension.
    fileprivate var stemOfParams: String {
        // Nearly every one is called that, and a list looks for the files of each VM.
        let isUsual = withPlatformString { path in
            strrchr(path, CInt(UInt8(ascii: "/"))).map { strcmp($0, "/vm.params") == 0 }
        }
        if isUsual == true { return "vm" }
        let name = lastComponent?.string ?? ""
        return name.hasSuffix(".params") ? String(name.dropLast(".params".count)) : name
    }
}

extension Machine {
    /// Whose rights files beside its params file are made and removed with: their owner's, if that is another account.
    func ownersTrust() throws(VMError) -> FileTrust {
        try site.trust(owner: geteuid() == 0).forFile(file)
    }

    /// Whether its next start goes on with a saved state. Only asked of a VM that does not run.
    package func isSuspended() throws(VMError) -> Bool { file.isEmpty ? false : try StateFiles(of: self).areInForce }

    /// Removes what a start in the foreground, which nobody watches, has used up of a saved state. Called when the VM has
    /// ended.
    package func forgetUsedState() throws(VMError) {
        guard !file.isEmpty, try !observe().isAlive else { return }
        let files = StateFiles(of: self)
        do throws(Errno) { guard try isThere(files.resuming) else { return } } catch { return }
        try operate { () throws(VMError) in
            if try !observe(holdingOperation: true).isAlive { try files.settle(try ownersTrust()) }
        }
    }

    /// Forgets the state that was saved of a VM that runs, or is about to run on: its disks will be others than that
    /// state knows. To be called within `operate`, before the processors run.
    package func forgetSavedState() throws(VMError) {
        guard !file.isEmpty else { return }
        try StateFiles(of: self).remove(try ownersTrust())
    }
}
