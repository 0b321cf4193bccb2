import VMCore
import VMHost

/// Tells whoever follows a log when no more is to come: the VM's run has ended, and no other follows it.
package struct EndOfRun: ~Copyable {
    private let vm: Machine
    /// When the next look is due.
    private var next = Deadline(in: .zero)
    /// Until when it may be started again; nil: it was seen to run.
    private var grace: Deadline? = Deadline(in: .zero)
    private var hasEnded = false

    fileprivate init(_ vm: Machine) { self.vm = vm }

    /// How long after the end of its run a VM that is started again is still followed. systemd starts one again after 5 s, and
    /// one that a person stops and starts is back sooner.
    private static let patience = Duration.seconds(10)
    private static let pace = Duration.seconds(1)

    /// Whether it has ended. A VM that did not run at the first look is not waited for; of one that can't be looked at
    /// nothing is known, and it is followed.
    package mutating func isOver() -> Bool {
        guard !hasEnded, next.hasPassed else { return hasEnded }
        next = Deadline(in: Self.pace)
        if mayGoOn {
            grace = nil
        } else if let grace {
            hasEnded = grace.hasPassed
        } else {
            grace = Deadline(in: Self.patience)
        }
        return hasEnded
    }

    private var mayGoOn: Bool {
        do throws(VMError) { return try vm.observe().isAlive || vm.isInOthersHands } catch { return true }
    }
}

extension Machine {
    /// What tells a follower of its logs that no more is to come.
    ///
    /// - Throws: `.denied` if another user runs the VM.
    package func endOfRun() throws(VMError) -> EndOfRun { EndOfRun(try seenWhereItRuns()) }
}
