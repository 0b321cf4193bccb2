import Glibc
import SystemPackage
import VMCore
import VMHost

extension Machine {
    /// What the VM is doing, after cleaning up an interrupted start: a QEMU that never ran its machine is killed. To be
    /// called within `operate`: the command that started QEMU is gone then.
    ///
    /// QEMU itself is asked whether the machine ran. A record that is lost or unreadable proves nothing.
    ///
    /// - Throws: `.busy` if QEMU can't be asked; why the VM can't be observed.
    func settle() throws(VMError) -> Observation {
        let deadline = Deadline(in: .seconds(10))
        while true {
            var seen = observe(holdingOperation: true)
            // A VM whose record can't be read is alive, and may never have run.
            guard seen.state == .starting || seen.obstacle != nil, try seen.isAlive else { return seen }
            switch try runState(by: deadline) {
            // In the foreground the starting process has become QEMU, which completes the start by itself.
            case .starting? where try manifest()?.foreground == true: pause(.milliseconds(5))
            case .starting?: try endWhatNeverRan(seen.holder, by: deadline)
            case let state?:
                // The start that loaded a saved state was killed before it let that run.
                if state == .paused, seen.state == .starting, try isBeingResumed() {
                    try endWhatNeverRan(seen.holder, by: deadline)
                    continue
                }
                seen.state = state
                return seen
            // Between fork and exec, or about to exit.
            case nil: pause(.milliseconds(5))
            }
            guard !deadline.hasPassed else {
                throw VMError(
                    .busy, name.description, "its QEMU does not say whether the machine runs",
                    remedy: "wait for it, or end QEMU with kvmctl stop --now")
            }
        }
    }

    /// Whether a start uses its saved state up, and its record says that it has not run yet.
    private func isBeingResumed() throws(VMError) -> Bool {
        guard !file.isEmpty else { return false }
        let files = StateFiles(of: self)
        do throws(Errno) { guard try isThere(files.resuming) else { return false } } catch {
            throw .system(error, files.resuming.string, "can't tell whether the VM goes on with a saved state")
        }
        return try files.areInForce
    }

    private func endWhatNeverRan(_ holder: ProcessIdentity?, by deadline: Deadline) throws(VMError) {
        guard let holder, let process = try process(holder) else { return }
        process.signal(SIGKILL)
        _ = process.waitForEnd(by: deadline)
    }

    /// A handle on QEMU; nil if it is gone.
    func process(_ identity: ProcessIdentity) throws(VMError) -> ProcessHandle? {
        do throws(Errno) { return try ProcessHandle.hold(identity) } catch {
            throw .system(error, name.description, "can't open its QEMU process, pid \(identity.pid)")
        }
    }

    /// The state that QEMU reports; nil if it does not answer.
    ///
    /// - Throws: what keeps this command from asking it.
    private func runState(by deadline: Deadline) throws(VMError) -> VMState? {
        do throws(MonitorSession.Failure) {
            var session = try monitor(by: deadline)
            return try session.execute(.status, by: deadline).vmState
        } catch .ours(let error) {
            throw error
        } catch {
            return nil
        }
    }

    /// Runs `body` while no other command changes the VM's state.
    ///
    /// - Throws: `.timedOut` if another command keeps changing it; what `body` throws.
    func operate<Result>(_ body: () throws(VMError) -> Result) throws(VMError) -> Result {
        let patience = Duration.seconds(90)
        let deadline = Deadline(in: patience)
        var file = try directory.openLocks()
        while true {
            guard try file.wait(for: .operation, of: directory, by: deadline) else {
                throw VMError(
                    .timedOut, name.description,
                    "another command has been changing this VM for \(patience.components.seconds) s",
                    remedy: "\(command: "kvmctl show \(name)") says what state it is in")
            }
            // `rm` removes the file while holding its lock: then the lock of the new file counts.
            if file.isStillAt(directory.locksFile) { break }
            file = try directory.openLocks()
        }
        defer { file.giveBack(RuntimeDirectory.Lock.operation.rawValue) }
        do throws(VMError) { return try body() } catch {
            directory.forgetWhatNeverWas()
            throw error
        }
    }

}

extension RuntimeDirectory {
    /// Removes the directory if there is nothing in it but the locks file, which this command has locked.
    fileprivate func forgetWhatNeverWas() {
        guard let name = locksFile.lastComponent?.string, (try? names(in: path)) == [name] else { return }
        removeFile(locksFile)
        _ = path.withPlatformString { rmdir($0) }
    }
}
