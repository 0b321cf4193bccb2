import SystemPackage
import VMCore
import VMHost

/// Says, as long as it exists, that a VM which ends now will be started again by this process: those who wait for the VM wait
/// on.
package final class ComingBack {
    private let locks: ByteLockFile

    fileprivate init(_ directory: RuntimeDirectory) throws(VMError) {
        locks = try directory.openLocks()
        _ = try? locks.tryShare(RuntimeDirectory.Lock.comingBack.rawValue)
    }
}

extension Machine {
    /// Announces that it will be started again. One that can't be announced is restarted all the same.
    package func announceRestart() -> ComingBack? { try? ComingBack(directory) }

    /// Whether another command is changing its state, or restarts it.
    var isInOthersHands: Bool {
        guard let locks = try? ByteLockFile(asking: directory.locksFile) else { return false }
        return [RuntimeDirectory.Lock.operation, .comingBack].contains { lock in
            (try? locks.isHeld(lock.rawValue)) ?? false
        }
    }
}
