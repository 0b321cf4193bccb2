import Glibc
import SystemPackage
import VMCore
import VMHost

extension RuntimeDirectory {
    /// What the VM is doing, with nothing half-done left of it: a QEMU whose start was cut short never ran and is ended.
    /// To be called in an operation: then whoever started it is gone.
    ///
    /// That it never ran is QEMU's own word. A record that is lost or unreadable proves nothing.
    ///
    /// - Throws: `.busy` if QEMU can't be asked; why the VM can't be looked at.
    func settle(_ paths: Paths) throws(VMError) -> Observation {
        let deadline = Deadline(in: .seconds(10))
        while true {
            var seen = Observation(name, in: paths, inTurn: true)
            // One whose record can't be read is there, and may never have run.
            guard seen.state == .starting || seen.obstacle != nil, try seen.isAlive else { return seen }
            switch try runState(by: deadline) {
            // In the foreground whoever started it has become QEMU, which goes on by itself.
            case .starting? where try Manifest.read(self)?.foreground == true: pause(.milliseconds(5))
            case .starting?: try endWhatNeverRan(seen.holder, by: deadline)
            case let state?:
                seen.state = state
                return seen
            // Between fork and exec, or between its last word and its end.
            case nil: pause(.milliseconds(5))
            }
            guard !deadline.hasPassed else {
                throw VMError(
                    .busy, name.description, "its QEMU is there, and does not say whether the machine runs",
                    remedy: "wait for it, or end QEMU with kvmctl stop --now")
            }
        }
    }

    private func endWhatNeverRan(_ holder: ProcessIdentity?, by deadline: Deadline) throws(VMError) {
        guard let holder, let process = try process(holder) else { return }
        process.signal(SIGKILL)
        _ = process.waitForEnd(by: deadline)
    }

    /// Takes hold of QEMU; nil where it is gone.
    func process(_ identity: ProcessIdentity) throws(VMError) -> ProcessHandle? {
        do throws(Errno) { return try ProcessHandle.hold(identity) } catch {
            throw .system(error, name.description, "its QEMU, pid \(identity.pid), can't be taken hold of")
        }
    }

    /// QEMU's own word; nil where it gives none.
    ///
    /// - Throws: what keeps this command from asking.
    private func runState(by deadline: Deadline) throws(VMError) -> VMState? {
        do throws(MonitorSession.Failure) {
            var session = try MonitorSession.open(self, by: deadline)
            let answer = try session.execute(QMPCommand("query-status"), by: deadline)
            return VMState(runState: answer["status"]?.string ?? "")
        } catch .ours(let error) {
            throw error
        } catch {
            return nil
        }
    }

    /// Does something to the VM while nobody else changes its state.
    ///
    /// - Throws: `.timedOut` if another command keeps at it; what `body` throws.
    func operate<Result>(_ body: () throws(VMError) -> Result) throws(VMError) -> Result {
        let patience = Duration.seconds(90)
        let deadline = Deadline(in: patience)
        var file = try openTurns()
        while true {
            guard try file.wait(for: .operation, of: self, by: deadline) else {
                throw VMError(
                    .timedOut, name.description,
                    "another command has been changing this VM for \(patience.components.seconds) s",
                    remedy: "\(command: "kvmctl show \(name)") says what state it is in")
            }
            // `rm` removes the file with its lock held: then it is the next file's lock that counts.
            if file.isStillAt(turnsFile) { break }
            file = try openTurns()
        }
        defer { file.giveBack(Turn.operation.rawValue) }
        do throws(VMError) { return try body() } catch {
            forgetWhatNeverWas()
            throw error
        }
    }

    /// Removes the directory where nothing but the file of turns, which this command holds, was ever made in it.
    private func forgetWhatNeverWas() {
        guard let name = turnsFile.lastComponent?.string, (try? names(in: path)) == [name] else { return }
        removeFile(turnsFile)
        _ = path.withPlatformString { rmdir($0) }
    }
}
