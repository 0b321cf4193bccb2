import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Whether a VM is alive, according to the kernel: by a lock, and by the process that signed for it.
///
/// QEMU inherits a read lock on the file `lock` by a read-only descriptor, so the lock is released with QEMU, however
/// that ends. Just before exec, the process signs: it writes its identity to a file that QEMU has no descriptor of.
/// Neither is enough alone: a QEMU that a guest has taken over can pass its descriptor to a process that outlives it,
/// or release the lock, and any user who may read the file can put a read lock on it too.
///
/// So a VM is alive while the process that signed is. If none has signed, the VM is being started if it is locked and a
/// command has the turn to start it. A lock alone means nothing.
package struct VMLock {
    /// RUN/vms/NAME.
    package let directory: FilePath

    package init(directory: FilePath) {
        self.directory = directory
    }

    /// The byte of `lock` that is locked.
    static let byte: Int64 = 0
    /// The byte of `locks` that is locked by the command that starts or stops the VM.
    static let operation: Int64 = 0

    /// QEMU holds a read lock on its only byte.
    var lockFile: FilePath { directory.appending("lock") }
    /// QEMU's process, in the format of `ProcessIdentity`. Empty until a start has come that far.
    var processFile: FilePath { directory.appending("process") }
    /// The locks that only kvmctl's commands use. QEMU has no descriptor of it.
    package var locksFile: FilePath { directory.appending("locks") }

    /// The observed state.
    package enum Signs: Equatable {
        /// It is not alive.
        case none
        /// A command is starting it.
        case starting
        /// QEMU is running.
        case alive(ProcessIdentity)
    }

    /// Observes it.
    ///
    /// - Parameter holdingOperation: whether the caller holds the lock to change the VM's state, so that no other command is
    ///   starting it.
    package func signs(holdingOperation: Bool = false) throws(Errno) -> Signs {
        guard let signer = try signer else {
            if holdingOperation { return .none }
            guard try isHeld, try isBeingChanged else { return .none }
            return .starting
        }
        return switch signer.life {
        case .running where signer.realm != nil: .alive(signer)
        // The recorded identity alone is not conclusive: the lock decides.
        case .running, .unclear: try isHeld ? .alive(signer) : .none
        case .ending, .gone: .none
        }
    }

    /// The process that signed last.
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

    /// Whether a command has the turn. A user who may only look at VMs can't see that; true is assumed.
    private var isBeingChanged: Bool {
        get throws(Errno) {
            do throws(Errno) {
                return try ByteLockFile(asking: locksFile).isLocked(Self.operation)
            } catch .noSuchFileOrDirectory {
                return false
            } catch .permissionDenied {
                return true
            }
        }
    }
}

extension VMLock {
    /// Takes the lock that QEMU will inherit, for a VM that is not alive and that no other command is starting.
    ///
    /// - Parameter lookers: the group that may ask about the lock.
    /// - Throws: `.busy` if the last QEMU has been killed and does not end.
    package func begin(lookers: UInt32?) throws(VMError) -> OwnedDescriptor {
        try awaitEnd()
        do throws(Errno) {
            // A process that was passed the descriptor, or that may only read the file, still has the lock. It may keep
            // the old file, which is not used any longer.
            if try isHeld { removeFile(lockFile) }
            let lock = try ByteLockFile(creating: lockFile, .readOnly, permissions: 0o640, group: lookers)
            guard try lock.tryShare(Self.byte) else { throw .resourceTemporarilyUnavailable }
            return lock.release()
        } catch {
            throw .unusable(error, lockFile)
        }
    }

    /// Empties the file that the process signs, so that the last signature is not taken for the new one.
    ///
    /// - Returns: the file, for the process that will sign.
    package func forgetSigner(lookers: UInt32?) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            return try openOwn(processFile, .writeOnly, flags: O_TRUNC, permissions: 0o640, group: lookers)
        } catch {
            throw .system(error, processFile.string, "can't be written")
        }
    }

    /// Signs for a process that could not sign for itself, as it was not started from here. From then on the VM is alive.
    package func sign(for process: ProcessIdentity, lookers: UInt32?) throws(VMError) {
        let file = try forgetSigner(lookers: lookers)
        do throws(Errno) { try writeAll(Array(process.text.utf8), to: file.descriptor) } catch {
            throw .system(error, processFile.string, "can't be written")
        }
    }

    /// Waits until nobody has the lock. A stray process may keep it, so use a short deadline.
    package func awaitRelease(by deadline: Deadline) {
        while (try? isHeld) == true, !deadline.hasPassed { pause(.milliseconds(2)) }
    }

    /// Waits for the last QEMU to end: one that was killed keeps its disks, taps and ports until the very end.
    private func awaitEnd() throws(VMError) {
        let last: ProcessIdentity?
        let process: ProcessHandle?
        do throws(Errno) {
            last = try signer
            process = if let last { try ProcessHandle.hold(last) } else { nil }
        } catch {
            throw .system(error, processFile.string, "can't determine whether the last QEMU has ended")
        }
        guard let last, let process, !process.waitForEnd(by: Deadline(in: .seconds(10))) else { return }
        throw VMError(
            .busy, lockFile.string, "the last QEMU, pid \(last.pid), was killed but has not ended",
            remedy: "/proc/\(last.pid)/wchan shows where it hangs, usually on a disk that does not answer")
    }
}
