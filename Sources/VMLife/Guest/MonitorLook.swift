import VMCore
import VMHost

/// What only QEMU can tell of a guest: its state, its screen, and whether its processors will ever run again.
struct MonitorLook {
    private let vm: Machine
    private var pace: Pace
    private var screenPace = Pace(every: .seconds(1))
    private var processorPace: Pace
    /// Its screen at the last look.
    private var picture: Picture?
    /// How long QEMU may take to answer: a wait asks again soon.
    private let patience: Duration
    /// How often in a row its processors stood still.
    private var frozenLooks = 0
    /// Whether its text said at the last look that it has panicked.
    private var wasPanic = false
    /// Whether QEMU did not answer at the last look.
    private var isSilent = false
    /// Why QEMU itself paused it.
    private(set) var pause: PauseReason?

    /// - Parameter isBrief: whether there is no time to see that its processors stand still for long.
    init(_ vm: Machine, isBrief: Bool = false) {
        self.vm = vm
        patience = isBrief ? .seconds(3) : .milliseconds(800)
        pace = Pace(every: isBrief ? .milliseconds(400) : .seconds(1))
        processorPace = Pace(every: isBrief ? .milliseconds(400) : .seconds(2))
    }

    /// How long until the next look.
    var remaining: Duration { pace.remaining }

    private static let looksAtPanic = 8
    private static let betweenLooks = Duration.milliseconds(30)

    /// Looks, if it is time. What can't be had now, as while another command uses the monitor, is had next time.
    mutating func look(_ evidence: inout GuestEvidence) {
        let isPanic = evidence.isSaidToHavePanicked
        if isPanic, !wasPanic {
            pace.hurry()
            processorPace.hurry()
        }
        wasPanic = isPanic
        guard pace.isDue() else {
            if isSilent { evidence.state = .unresponsive }
            return
        }
        let deadline = Deadline(in: patience)
        do throws(MonitorSession.Failure) {
            var session = try vm.monitor(by: deadline)
            let state = try session.execute(.status, by: deadline)
            isSilent = false
            pause = state.pauseReason(nil)
            // The record tells the reason more exactly, and was read before QEMU paused it.
            if let pause { evidence.pause = evidence.pause ?? vm.observe().diskFailure ?? pause }
            guard evidence.state == .running else { return }
            if screenPace.isDue() { try lookAtScreen(&session, &evidence, by: deadline) }
            if processorPace.isDue() { try lookAtProcessors(&session, &evidence, by: deadline) }
        } catch .qemu(.silent) {
            isSilent = true
            evidence.state = .unresponsive
        } catch {}
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
        var seen = try session.execute(.haltedProcessors, by: deadline)
        frozenLooks = seen.areAllFrozen ? frozenLooks + 1 : 0
        evidence.isFrozen = frozenLooks > 1
        // A guest that works may be busy at one moment.
        var looks = evidence.isSaidToHavePanicked ? Self.looksAtPanic : 0
        while looks > 0, !seen.isAnyIdle {
            VMHost.pause(Self.betweenLooks)
            seen = try session.execute(.haltedProcessors, by: deadline)
            looks -= 1
        }
        evidence.isIdle = seen.isAnyIdle
    }
}
