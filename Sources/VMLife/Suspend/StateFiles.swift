import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The files of a suspended VM, in the directory of its params file.
///
/// `NAME.state` is its memory, written by QEMU. `NAME.suspended` describes the VM, and with it the VM is suspended: it
/// appears when the memory is complete. QEMU has no descriptor of it, because root acts on what it says. While a start
/// uses the state up, it is called `NAME.resuming`, so that no state is ever used twice: a guest that has run since has
/// other disks than the memory knows.
struct StateFiles {
    private let vm: Machine

    init(of vm: Machine) { self.vm = vm }

    /// Says that the VM is suspended, and what it was.
    var mark: FilePath { path(markName) }
    /// The same, while a start uses the state up.
    var resuming: FilePath { path(resumingName) }
    /// The memory.
    var memory: FilePath { path("\(vm.name).state") }

    private var markName: String { "\(vm.name).suspended" }
    private var resumingName: String { "\(vm.name).resuming" }
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
            let cause =
                switch error {
                case .malformed: "is not what suspend writes"
                case .version(let number): "was written by another kvmctl: its version is \(number)"
                }
            throw VMError(.badData, path.string, cause, remedy: .orDiscard("put the right file back"))
        }
    }

    /// What a start needs to know of them; nil if the VM is not suspended.
    func state(_ saved: SavedMachine, _ trust: FileTrust) throws(VMError) -> SavedState {
        let status = try Self.find(memory, trust) { (found: borrowing FoundFile) throws(Errno) in
            try found.openRegular().status()
        }
        guard let status else {
            throw VMError(
                .badData, memory.string, "is gone, and \(vm.name) is suspended", remedy: .orDiscard("put it back"))
        }
        guard Int64(status.st_size) == saved.size.bytes else {
            throw VMError(
                .badData, memory.string, "has \(status.st_size) bytes, and suspend wrote \(saved.size.bytes)",
                remedy: .orDiscard("put the right file back"))
        }
        return SavedState(saved, memory: memory, identity: FileIdentity(status))
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
