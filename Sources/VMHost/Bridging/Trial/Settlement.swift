import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// What is done with a change whose process has ended, or that nobody kept.
extension ChangeJournal {
    /// What became of a change whose process has ended.
    struct Settlement {
        /// Whether it was completed; else it was undone.
        var isCompleted = false
        /// What could not be undone or completed.
        var failures: [VMError] = []
    }

    /// Undoes the change, unless it was kept; or completes it, once nothing of it can be undone.
    ///
    /// What fails only for now is left to root's next command.
    ///
    /// - Returns: nil where somebody else has decided, one way or the other.
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
                // Where the bridge was to go, it has gone.
                if !settlement.isCompleted { settlement.failures = [madeAnew] }
                close()
                return settlement
            }
            failures = socket.perform(settlement.isCompleted ? record.finish : record.undo)
        } catch { failures = [error] }
        settlement.failures = failures.map { VMError($0) }
        if failures.contains(where: \.isPassing) {
            settlement.failures[0].remedy = "root's next kvmctl command tries again"
        } else {
            close()
        }
        return settlement
    }

    /// Whether the bridge, where there is one, is that of the change.
    private func isStillTheBridge(using socket: inout RouteSocket) throws(NetworkError) -> Bool {
        try socket.link(named: record.bridge).map(record.identity.isThat) ?? true
    }

    private var madeAnew: VMError {
        VMError(
            .busy, record.bridge.description,
            "the change to it is not taken back: somebody has made the bridge anew since")
    }
}
