import SystemPackage
import VMCore
import VMHost

extension Machine {
    /// What its guest shows now, without waiting for a change: within a second or two. Of a VM that does not run, what is on
    /// record of its last run. Nothing is executed in the guest.
    ///
    /// - Throws: why it can't be told whether it runs.
    package func look() throws(VMError) -> GuestEvidence {
        let watch = GuestWatch(self, GuestWatch.Scope(addresses: true, isBrief: true))
        try watch.look()
        // On a busy host that alone may have taken longer.
        let deadline = Deadline(in: Self.patience)
        while watch.evidence.state.isAlive, !watch.evidence.isSettled, !deadline.hasPassed {
            watch.pause(by: deadline)
            try watch.look()
        }
        if !watch.evidence.state.isAlive { try watch.lookAtLastRun() }
        return watch.evidence
    }

    /// Longer than it takes to hear a client that asks for an address once a second.
    private static let patience = Duration.milliseconds(1700)

    /// Why its last run came to nothing, as far as its last words on the console tell; nil: they don't.
    package var lastWords: Diagnosis? {
        guard let tail = try? readTail(paths.consoleLog(name), limit: ConsoleSource.looksBack) else { return nil }
        var evidence = GuestEvidence(vm: name, file: file.string)
        evidence.console.take(tail)
        return evidence.deadEnd
    }
}

extension GuestEvidence {
    /// Whether a longer look would tell no more: the guest is up and reached, or will never be.
    fileprivate var isSettled: Bool {
        if deadEnd != nil { return true }
        let isReached =
            addresses.map { found in
                found.nics.allSatisfy { $0.network == "user" }
                    || found.wish.isSatisfied(by: found.all, canHear: found.canHear)
            } ?? true
        return stage == .up && agent != .unknown && isReached
    }
}
