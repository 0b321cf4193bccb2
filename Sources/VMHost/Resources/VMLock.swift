import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Whether a VM lives, as the kernel tells it: by a lock, and by the process that signed for it.
///
/// QEMU inherits a read lock on the file `lock`, by a descriptor that can't write, so that the lock goes with QEMU whatever
/// ends it. Just before it becomes QEMU the process signs, in a file that QEMU has no descriptor of. Neither is enough alone:
/// a QEMU that a guest took over can pass its descriptor on to a process that outlives it, or give the lock back, and
/// whoever may read the file can put a read lock on it too.
///
/// So a VM lives while the process that signed does. Where nobody has signed, somebody is starting it, who has the turn to
/// do so; a lock without either says nothing.
package struct VMLock {
    /// RUN/vms/NAME.
    package let directory: FilePath

    package init(directory: FilePath) {
        self.directory = directory
    }

    /// What can be locked.
    static let byte: Int64 = 0
    /// The byte of `turns` that is locked by the command that starts or stops the VM.
    static let operation: Int64 = 0

    /// QEMU has a read lock on its only byte.
    var lockFile: FilePath { directory.appending("lock") }
    /// Which process QEMU is, in the words of `ProcessIdentity`. Empty as long as a start has not come so far.
    var processFile: FilePath { directory.appending("process") }
    /// Whose turn it is, among kvmctl's commands. QEMU has no descriptor of it.
    package var turnsFile: FilePath { directory.appending("turns") }

    /// What is seen of it.
    package enum Signs: Equatable {
        /// It does not live.
        case none
        /// A command is starting it.
        case starting
        /// QEMU is there.
        case alive(ProcessIdentity)
    }

    /// Looks.
    ///
    /// - Parameter inTurn: whether the caller itself has the turn to change the VM's state: then nobody is starting it.
    package func signs(inTurn: Bool = false) throws(Errno) -> Signs {
        guard let signer = try signer else {
            if inTurn { return .none }
            guard try isHeld, try isBeingChanged else { return .none }
            return .starting
        }
        return switch signer.life {
        case .running where signer.realm != nil: .alive(signer)
        // What was written down does not tell it from every other process: the lock does.
        case .running, .unclear: try isHeld ? .alive(signer) : .none
        case .ending, .gone: .none
        }
    }

    /// Which process signed last.
    package var signer: ProcessIdentity? {
        get throws(Errno) {
            do throws(Errno) {
                return ProcessIdentity(String(decoding: try readOwnFile(processFile, limit: 128), as: UTF8.self))
            } catch .noSuchFileOrDirectory {
                return nil
            }
        }
    }

    private var isHeld: Bool {
        get throws(Errno) {
            do throws(Errno) {
                return try ByteLockFile(asking: lockFile).isHeld(Self.byte)
            } catch .noSuchFileOrDirectory {
                return false
            }
        }
    }

    /// Whether a command has the turn. Who may only look at VMs can't see that, and takes it for so.
    private var isBeingChanged: Bool {
        get throws(Errno) {
            do throws(Errno) {
                return try ByteLockFile(asking: turnsFile).isLocked(Self.operation)
            } catch .noSuchFileOrDirectory {
                return false
            } catch .permissionDenied {
                return true
            }
        }
    }
}

extension VMLock {
    /// Takes the lock that QEMU will inherit, for a VM that does not live and that nobody else is starting.
    ///
    /// - Parameter lookers: the group that may ask.
    /// - Throws: `.busy` where the last QEMU has been killed and does not end.
    package func begin(lookers: UInt32?) throws(VMError) -> OwnedDescriptor {
        try awaitEnd()
        do throws(Errno) {
            // Somebody who was passed it, or who may only read it: they keep a file that nobody asks any more.
            if try isHeld { removeFile(lockFile) }
            let lock = try ByteLockFile(creating: lockFile, .readOnly, permissions: 0o640, group: lookers)
            guard try lock.tryShare(Self.byte) else { throw .resourceTemporarilyUnavailable }
            return lock.release()
        } catch {
            throw .unusable(error, lockFile)
        }
    }

    /// Empties the file that the process signs, so that what the last one wrote is not taken for this one's word.
    ///
    /// - Returns: the file, for the process that will sign.
    package func forgetSigner(lookers: UInt32?) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            return try openOwn(processFile, .writeOnly, flags: O_TRUNC, permissions: 0o640, group: lookers)
        } catch {
            throw .system(error, processFile.string, "can't be written")
        }
    }

    /// Waits until nobody has the lock; a stranger may keep it, so this is not waited for long.
    package func awaitRelease(by deadline: Deadline) {
        while (try? isHeld) == true, !deadline.hasPassed { pause(.milliseconds(2)) }
    }

    /// A QEMU that was killed has its disks, taps and ports until the very end.
    private func awaitEnd() throws(VMError) {
        let last: ProcessIdentity?
        let process: ProcessHandle?
        do throws(Errno) {
            last = try signer
            process = if let last { try ProcessHandle.hold(last) } else { nil }
        } catch {
            throw .system(error, processFile.string, "whether the last QEMU has ended can't be seen")
        }
        guard let last, let process, !process.waitForEnd(by: Deadline(in: .seconds(10))) else { return }
        throw VMError(
            .busy, lockFile.string, "the last QEMU, pid \(last.pid), has been killed and has not ended",
            remedy: "/proc/\(last.pid)/wchan says where it hangs, mostly at a disk that does not answer")
    }
}
