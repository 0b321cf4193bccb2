import VMCore
import VMHost

/// What only the guest's agent can tell: that the guest is up, and what its clock says.
struct AgentLook {
    private let vm: Machine
    /// How long the agent may take to answer: a wait asks again, and one look has to be right about a guest that is busy.
    private let patience: Duration
    private var pace = Pace(every: .seconds(5))
    /// Whether what the guest wrote said at the last look that it is stuck.
    private var wasStuck = false

    /// - Parameter isBrief: whether there is one look.
    init(_ vm: Machine, isBrief: Bool = false) {
        self.vm = vm
        patience = isBrief ? .seconds(2) : .milliseconds(700)
    }

    /// How long until the next look.
    var remaining: Duration { pace.remaining }

    /// Has the next look be now.
    mutating func hurry() { pace.hurry() }

    /// Asks it, if it is time, until it has answered once.
    mutating func look(_ evidence: inout GuestEvidence) {
        let isStuck = evidence.isSaidToBeStuck
        if isStuck, !wasStuck {
            // That it has answered before tells nothing of a guest that may have panicked since.
            if evidence.agent == .answers { evidence.agent = .unknown }
            pace.hurry()
        }
        wasStuck = isStuck
        guard evidence.agent != .answers || isStuck, evidence.state == .running, pace.isDue() else { return }
        pace.interval = .seconds(5)
        let deadline = Deadline(in: patience)
        do throws(GuestAgent.Failure) {
            var agent = try vm.agent(by: deadline)
            evidence.agent = .answers
            guard let time = try? agent.execute(.time, by: deadline) else { return }
            evidence.clockError = .microseconds(time / 1000 - Moment.now.microseconds)
        } catch .absent { evidence.agent = .absent } catch .silent {
            evidence.agent = .silent
            pace.interval = .seconds(2)
        } catch { pace.interval = .seconds(1) }
    }
}
