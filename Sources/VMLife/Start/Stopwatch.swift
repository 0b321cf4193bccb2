/// How long the stages of a start took.
package final class Stopwatch {
    /// A stage of a start, in order.
    package enum Stage: String, CaseIterable, Sendable {
        /// Reading and decoding the params file.
        case parse
        /// Asking the host what it has.
        case probe
        /// Computing the plan.
        case plan
        /// Creating disks.
        case disks
        /// Opening what QEMU inherits: locks, logs, sockets and images.
        case descriptors
        /// Creating taps and joining them to their bridges.
        case network
        /// From fork to exec.
        case spawn
        /// From exec until QEMU's monitor says that the machine exists.
        case qemu
        /// From then until the machine runs.
        case commit
    }

    private var spent: [(stage: Stage, spent: Duration)] = []
    private var last = ContinuousClock.now

    /// Starts now.
    package init() {}

    /// Adds the time since the last call, or since the start, to a stage.
    package func lap(_ stage: Stage) {
        let now = ContinuousClock.now
        if let place = spent.firstIndex(where: { $0.stage == stage }) {
            spent[place].spent += now - last
        } else {
            spent.append((stage, now - last))
        }
        last = now
    }

    /// Every stage that took place, in order.
    package var laps: [(stage: Stage, spent: Duration)] {
        Stage.allCases.compactMap { stage in spent.first { $0.stage == stage } }
    }
}
