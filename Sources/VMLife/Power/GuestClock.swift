import VMCore
import VMHost

/// What became of the clock of a guest whose machine had stood still. Linux goes on from the time at which it stopped, and nothing
/// tells it otherwise.
package enum GuestClock: Equatable, Sendable {
    /// The guest agent has set it.
    case set
    /// The same, and it was ahead of the host's by so much, or behind if that is negative, which the time for which it stood
    /// still does not explain.
    case corrected(from: Duration)
    /// It is off by so much, likewise, and why the agent has not set it.
    case off(Duration, cause: String)
    /// It stood still for so long, and why no agent could be asked what it says.
    case stoodStill(Duration, cause: String)

    /// The word for programs.
    package var word: String {
        switch self {
        case .set, .corrected: "set"
        case .off(let error, _) where error > .zero: "ahead"
        case .off, .stoodStill: "behind"
        }
    }

    /// What the user should know; nil: nothing.
    package var notice: String? {
        switch self {
        case .set: return nil
        case .corrected(let error):
            return
                "the guest's clock was \(error.asError), which its standstill does not explain: its agent has set it"
        case .off(let error, let cause):
            return error.isWithin(GuestEvidence.clockTolerance) ? nil : Self.notSet("is \(error.asError)", cause)
        case .stoodStill(let gap, let cause):
            return gap > GuestEvidence.clockTolerance
                ? Self.notSet("stood still for \(gap.components.seconds) s", cause) : nil
        }
    }

    private static func notSet(_ state: String, _ cause: String) -> String {
        "the guest's clock \(state), and was not set (\(cause)): set it there, with date(1), or have chrony or "
            + "systemd-timesyncd do that"
    }
}

extension Duration {
    fileprivate func isWithin(_ limit: Duration) -> Bool { self <= limit && self >= .zero - limit }

    /// An error of the guest's clock, positive if it is ahead.
    fileprivate var asError: String {
        "\(GuestEvidence.roughly(self)) \(self > .zero ? "ahead of" : "behind") the host's"
    }
}

extension Machine {
    /// What the agent may take to answer.
    private static let clockPatience = Duration.seconds(2)

    /// Has the guest's agent set its clock to the host's, after the machine stood still.
    ///
    /// A guest in which no process has opened the agent's channel costs one question to QEMU.
    ///
    /// - Parameter event: what halted it, by the name in its history.
    /// - Returns: nil if it is right, or stood still for less than a second, as far as that is known.
    package func bringClockUp(since event: StandstillEvent) -> GuestClock? {
        let gap = standstill(event).map { Duration.microseconds(Moment.now.microseconds - $0) }
        guard gap.map({ $0 >= .seconds(1) }) ?? true else { return nil }
        var seen: Duration?
        func notSet(_ cause: String) -> GuestClock? {
            seen.map { .off($0, cause: cause) } ?? gap.map { .stoodStill($0, cause: cause) }
        }
        do throws(GuestAgent.Failure) {
            let deadline = Deadline(in: Self.clockPatience)
            var agent = try agent(by: deadline)
            let first = try clockError(agent: &agent, by: deadline)
            guard !first.isWithin(.seconds(1)) else { return nil }
            seen = first
            try setClock(agent: &agent, by: deadline)
            while !deadline.hasPassed {
                if try clockError(agent: &agent, by: deadline).isWithin(.seconds(1)) {
                    let left = gap.map { first + $0 } ?? .zero
                    return left.isWithin(GuestEvidence.clockTolerance) ? .set : .corrected(from: first)
                }
                pause(.milliseconds(20))
            }
        } catch { return notSet(error.error(of: name).cause) }
        return notSet("its agent has not done it in \(Self.clockPatience.components.seconds) s")
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

    /// How far the guest's clock is ahead of the host's; negative if it is behind.
    private func clockError(agent: inout GuestAgent, by deadline: Deadline) throws(GuestAgent.Failure) -> Duration {
        let time = try agent.execute(.time, by: deadline)
        return .microseconds((time / 1000).subtractingReportingOverflow(Moment.now.microseconds).0)
    }

    /// When it came to stand still, in microseconds since the epoch; nil: that is not known any longer.
    private func standstill(_ event: StandstillEvent) -> Int64? {
        switch event {
        case .pause:
            guard let tail = try? readTail(paths.record(name), limit: 256 << 10) else { return nil }
            return RecordedEvents(tail).all.last { $0.name == "STOP" }?.microseconds
        case .suspend:
            guard let events = try? HistoryFile(self).events().inOrder,
                let end = events.lastIndex(where: { $0.name == VMEvent.Deed.suspend.rawValue && $0.source == .kvmctl })
            else { return nil }
            // It may have been paused when it was suspended: QEMU tells of its stop then, and of none after it.
            let stop = events[..<end].last { $0.source == .qemu && ["STOP", "RESUME"].contains($0.name) }
            return (stop?.name == "STOP" ? stop : events[end])?.microseconds
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
