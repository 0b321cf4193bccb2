import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// Settles a change whose process has ended, or that nobody kept.
extension ChangeJournal {
    /// The outcome of such a change.
    struct Settlement {
        /// Whether it was completed; else it was rolled back.
        var isCompleted = false
        /// The steps that failed.
        var failures: [VMError] = []
    }

    /// Rolls the change back, unless it was kept; or completes it, if it can't be rolled back any longer.
    ///
    /// Temporary failures are left to root's next command.
    ///
    /// - Returns: nil if another process has already decided.
    consuming func settle() -> Settlement? {
        let deadline = Deadline(in: .seconds(5))
        while (try? file.tryLock(Self.decision)) == false, !deadline.hasPassed { pause(.milliseconds(1)) }
        guard isOpen else { return nil }
        var settlement = Settlement()
        do throws(Errno) { settlement.isCompleted = try isCommitted() } catch {
            settlement.failures = [.system(error, path.string, "can't be read")]
            return settlement
        }
        let failures: [NetworkError]
        do throws(NetworkError) {
            var socket = try RouteSocket()
            guard try isStillTheBridge(using: &socket) else {
                // A change that has to be completed removes the bridge, and it is gone.
                if !settlement.isCompleted { settlement.failures = [madeAnew] }
                close()
                return settlement
            }
            failures = socket.perform(settlement.isCompleted ? record.finish : record.undo)
        } catch { failures = [error] }
        settlement.failures = failures.map { VMError($0) }
        if failures.contains(where: \.isPassing) {
            settlement.failures[0].remedy = "root's next kvmctl command retries"
        } else {
            close()
        }
        return settlement
    }

    /// Whether the bridge is still the one of the change, if it exists.
    private func isStillTheBridge(using socket: inout RouteSocket) throws(NetworkError) -> Bool {
        try socket.link(named: record.bridge).map(record.identity.isThat) ?? true
    }

    private var madeAnew: VMError {
        VMError(
            .busy, record.bridge.description,
            "the change to it was not rolled back: the bridge has been recreated since")
    }
}
