import VMCore
import VMHost

/// The signals that end a run. The first one is passed on to the command in the guest, which may end in its own way; it is
/// killed a while later. A second one, or more time, cuts the power.
package final class RunSignals {
    private let take: () -> Int32
    /// The signal that came first.
    package private(set) var first: Int32?
    private var since = ContinuousClock.now
    private var hasKilled = false
    /// Cuts the VM's power.
    var cutPower: () -> Void = {}

    private static let grace = Duration.seconds(5)

    /// - Parameter take: the number of the next signal; 0: none has come.
    package init(_ take: @escaping () -> Int32) { self.take = take }

    /// Whether the run is to end.
    var isInterrupted: Bool {
        _ = next()
        return first != nil
    }

    /// What is to be passed on to the command now.
    func next() -> GuestSignal? {
        let number = take()
        if number != 0, let signal = GuestSignal(number: number) {
            if signal == .suspend { return signal }
            if first != nil {
                cutPower()
            } else {
                (first, since) = (number, .now)
            }
            return signal
        }
        guard first != nil, ContinuousClock.now - since > Self.grace else { return nil }
        guard hasKilled else {
            (hasKilled, since) = (true, .now)
            return .kill
        }
        cutPower()
        return nil
    }
}
