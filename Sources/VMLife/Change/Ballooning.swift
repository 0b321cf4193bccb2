import VMCore
import VMHost

/// A guest's memory, as far as its balloon is known.
package struct BalloonState: Equatable, Sendable {
    /// What it has, if it was asked; else what it had.
    package var current: ByteCount
    /// What it was started with, and can't have more than.
    package var most: ByteCount
    /// What it was to have; nil: it was only asked for.
    package var wanted: ByteCount?
}

extension Machine {
    /// How much memory the guest has; with a size, after it was asked to have that much.
    ///
    /// The guest gives memory back by its balloon driver, at its own pace, or not at all. Its next start has MEMORY again.
    ///
    /// - Parameter patience: how long it may take.
    /// - Throws: `.busy` if the VM does not run; `.usage` for more than it was started with; `.timedOut` if the guest has
    ///   not come that far.
    package func memory(
        _ wanted: ByteCount?, within patience: Duration, dryRun: Bool
    ) throws(VMError) -> BalloonState {
        let manifest = try runningManifest(or: "it has no memory", telling: "its memory is")
        let most = manifest.vm.memory
        if let wanted, wanted > most {
            throw VMError(
                .usage, name.description, "it was started with \(most), and can't have more until its next start",
                remedy: .run("give it more then", "kvmctl set \(name) MEMORY=\(wanted.parameter)"))
        }
        let deadline = Deadline(in: max(patience, .seconds(1)))
        var state = BalloonState(current: try balloon(by: deadline), most: most, wanted: wanted)
        guard let wanted, !dryRun, wanted != state.current else { return state }
        try operate { () throws(VMError) in
            guard try ask(.status, by: deadline).vmState != .paused else {
                throw paused(so: "its guest can't give memory back")
            }
            _ = try ask(.balloon(to: wanted), by: deadline)
        }
        while state.current != wanted {
            guard !deadline.hasPassed else {
                throw VMError(
                    .timedOut, name.description,
                    "its guest was asked to have \(wanted), and has \(state.current) after \(patience.components.seconds) s",
                    remedy: "it may still go on; a guest without a balloon driver never does")
            }
            pause(.milliseconds(100))
            state.current = try balloon(by: Deadline(in: .seconds(5)))
        }
        return state
    }

    private func balloon(by deadline: Deadline) throws(VMError) -> ByteCount { try ask(.memory, by: deadline) }
}
