import VMCore
import VMHost

/// What became of the clock of a guest whose machine had stood still. Linux goes on from the time at which it stopped, and nothing
/// tells it otherwise.
package enum GuestClock: Equatable, Sendable {
    /// The guest agent has set it.
    case set
    /// It is behind by so much, and no agent could set it.
    case behind(Duration)

    /// The word for programs.
    package var word: String {
        switch self {
        case .set: "set"
        case .behind: "behind"
        }
    }

    /// What the user should know; nil: nothing.
    package var notice: String? {
        guard case .behind(let gap) = self, gap > GuestEvidence.clockTolerance else { return nil }
        return
            "the guest's clock is \(gap.components.seconds) s behind, and no agent in it has set it: set it there, with date(1), "
            + "or have chrony or systemd-timesyncd do that"
    }
}

extension Machine {
    /// What the agent may take to answer.
    private static let clockPatience = Duration.seconds(2)

    /// Has the guest's agent set its clock, after the machine stood still.
    ///
    /// A clock that is off for another reason, as one that somebody has set to another day, is left alone.
    ///
    /// A guest in which no process has opened the agent's channel costs one question to QEMU.
    ///
    /// - Parameter event: what halted it, by the name in its history.
    /// - Returns: nil if it is right, or stood still for less than a second, as far as that is known.
    package func bringClockUp(since event: StandstillEvent) -> GuestClock? {
        guard let began = standstill(event) else { return nil }
        let gap = Duration.microseconds(Moment.now.microseconds - began)
        guard gap >= .seconds(1) else { return nil }
        do throws(GuestAgent.Failure) {
            let deadline = Deadline(in: Self.clockPatience)
            var agent = try agent(by: deadline)
            let late = try lateness(agent: &agent, by: deadline)
            guard late > .seconds(1) else { return nil }
            guard late < gap + GuestEvidence.clockTolerance else { return .behind(late) }
            try setClock(agent: &agent, by: deadline)
            while !deadline.hasPassed {
                if try (.seconds(-1)...Duration.seconds(1)).contains(lateness(agent: &agent, by: deadline)) {
                    return .set
                }
                pause(.milliseconds(20))
            }
        } catch {}
        return .behind(gap)
    }

    /// Without hwclock(8), which Debian has in a package of its own, QEMU 7.2's agent sets no time, but executes date(1).
    private func setClock(agent: inout GuestAgent, by deadline: Deadline) throws(GuestAgent.Failure) {
        do throws(GuestAgent.Failure) {
            try agent.execute(.setTime(Moment.now.microseconds * 1000), by: deadline)
        } catch .refused {
            let seconds = (Moment.now.microseconds + 500_000) / 1_000_000
            _ = try agent.execute(.execute("date", ["-u", "-s", "@\(seconds)"]), by: deadline)
        }
    }

    /// How far the guest's clock is behind the host's.
    private func lateness(agent: inout GuestAgent, by deadline: Deadline) throws(GuestAgent.Failure) -> Duration {
        let time = try agent.execute(.time, by: deadline)
        return .microseconds(Moment.now.microseconds.subtractingReportingOverflow(time / 1000).0)
    }

    /// When it came to stand still, in microseconds since the epoch; nil: that is not known any longer.
    private func standstill(_ event: StandstillEvent) -> Int64? {
        switch event {
        case .pause:
            guard let tail = try? readTail(paths.record(name), limit: 256 << 10) else { return nil }
            return RecordedEvents(tail).all.last { $0.name == "STOP" }?.microseconds
        case .suspend:
            guard let events = try? HistoryFile(self).events() else { return nil }
            return events.last { $0.name == VMEvent.Deed.suspend.rawValue && $0.source == .kvmctl }?.microseconds
        }
    }
}

/// What makes a machine stand still.
package enum StandstillEvent: Sendable {
    /// Its processors were halted.
    case pause
    /// Its memory was saved, and QEMU ended.
    case suspend
}
