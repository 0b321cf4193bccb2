import VMCore
import VMHost

/// What only QEMU can tell of a guest: its state, its screen, and whether its processors will ever run again.
struct MonitorLook {
    private let vm: Machine
    private var pace = Pace(every: .seconds(1))
    private var screenPace = Pace(every: .seconds(1))
    private var processorPace = Pace(every: .seconds(2))
    /// Its screen at the last look.
    private var picture: Picture?
    /// How often in a row its processors stood still.
    private var frozenLooks = 0
    /// Why QEMU itself paused it.
    private(set) var pause: PauseReason?

    init(_ vm: Machine) { self.vm = vm }

    /// How long until the next look.
    var remaining: Duration { pace.remaining }

    /// Looks, if it is time. What can't be had now, as while another command uses the monitor, is had next time.
    mutating func look(_ evidence: inout GuestEvidence) {
        guard pace.isDue() else { return }
        let deadline = Deadline(in: .milliseconds(800))
        do throws(MonitorSession.Failure) {
            var session = try vm.monitor(by: deadline)
            let state = try session.execute(.status, by: deadline)
            pause = state.pauseReason(nil)
            if let pause { evidence.pause = evidence.pause ?? pause }
            guard evidence.state == .running else { return }
            if screenPace.isDue() { try lookAtScreen(&session, &evidence, by: deadline) }
            if processorPace.isDue() { try lookAtProcessors(&session, &evidence, by: deadline) }
        } catch .qemu(.silent) { evidence.state = .unresponsive } catch {}
    }

    private mutating func lookAtScreen(
        _ session: inout MonitorSession, _ evidence: inout GuestEvidence, by deadline: Deadline
    ) throws(MonitorSession.Failure) {
        guard let shown = try session.picture(by: deadline), shown != picture else { return }
        let memory = try session.textMemory(behind: shown, by: deadline)
        guard let memory, let text = TextScreen(shown, memory: memory) else {
            // It may have changed between the two, which the next look tells; a picture is not looked at as often.
            if memory == nil { screenPace.interval = .seconds(5) }
            evidence.screen = .graphics(width: shown.width, height: shown.height)
            return
        }
        picture = shown
        screenPace.interval = .seconds(1)
        let progress = BootProgress(screen: text.lines)
        evidence.screen = .text(progress)
        evidence.screenReached = max(evidence.screenReached, progress.shownStage)
    }

    private mutating func lookAtProcessors(
        _ session: inout MonitorSession, _ evidence: inout GuestEvidence, by deadline: Deadline
    ) throws(MonitorSession.Failure) {
        frozenLooks = try session.execute(.areProcessorsFrozen, by: deadline) ? frozenLooks + 1 : 0
        evidence.isFrozen = frozenLooks > 1
    }
}
