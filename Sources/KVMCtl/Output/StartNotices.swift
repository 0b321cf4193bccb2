import VMCore
import VMLife

extension Machine {
    /// Starts the VM, and prints what the user should know besides the result.
    func startSayingNotices(
        _ options: StartOptions, in context: PlanningContext, stopwatch: Stopwatch = Stopwatch(),
        clock: (GuestClock?) -> Void = { _ in }
    ) throws(VMError) -> Starting.Outcome {
        let outcome = try start(options, in: context, stopwatch: stopwatch) { notices in
            notices.forEach { Message.note($0, about: name) }
        }
        if case .resumed = outcome {
            let found = bringClockUp(since: .suspend)
            if let notice = found?.notice { Message.note(notice, about: name) }
            clock(found)
        }
        return outcome
    }
}
