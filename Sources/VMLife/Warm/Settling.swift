import VMCore
import VMHost

/// The rest of a boot, after what was waited for: when a guest's agent answers, udev, timers and services are still at work.
/// What they have not done when the guest is saved, each copy does again, beside its command.
struct Settling {
    private let vm: Machine
    private let end: Deadline
    private let isInterrupted: () -> Bool

    /// How long it may take. A guest that works for ever is saved then.
    private static let most = Duration.seconds(10)
    /// How long a guest has to be at rest.
    private static let span = Duration.milliseconds(500)
    /// The processor time that QEMU may use in it. An emulated guest without work uses 2 to 6 %, a busy one 100 %.
    private static let rest = span / 5

    /// - Parameter deadline: when it is over at the latest.
    init(of vm: Machine, by deadline: Deadline, isInterrupted: @escaping () -> Bool) {
        (self.vm, self.isInterrupted) = (vm, isInterrupted)
        end = Deadline(in: min(Self.most, deadline.remaining))
    }

    /// Waits until the guest is at rest, or has ended.
    func wait() {
        guard let process = vm.observe().holder, var last = ProcessUsage(of: process)?.processorTime else { return }
        while !end.hasPassed, !isInterrupted() {
            pause(min(Self.span, end.remaining))
            guard let now = ProcessUsage(of: process)?.processorTime, now - last > Self.rest else { return }
            last = now
        }
    }
}
