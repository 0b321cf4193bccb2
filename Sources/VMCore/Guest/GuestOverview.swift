extension GuestEvidence {
    /// How far it is and how it can be reached, in one line: `up: the guest agent answers, at 192.0.2.7`.
    package var overview: String {
        guard state.isAlive else { return endWords }
        let begin = stage == .up ? "up: \(signOfUp)" : "\(state.rawValue), last stage: \(stage.words)"
        let agentWords = agent == .answers ? nil : "guest agent: \(agent.words)"
        return ([begin + place, agentWords].compactMap(\.self)).joined(separator: "; ")
    }

    private var place: String {
        // What somebody remembers may be another guest's by now.
        let all = (addresses?.addresses ?? []).filter(\.isConfirmed)
        guard !all.isEmpty else { return "" }
        return ", at \(all.prefix(2).map(\.text).joined(separator: ", "))"
    }

    private var endWords: String {
        guard let end = complaints.first else { return "not running" }
        let reached = stage == .unknown ? "" : "; last stage: \(stage.words)"
        return endReason == nil && state == .stopped ? "not running" : "not running: \(end.cause)\(reached)"
    }

    /// The last line that it wrote, on its console, or else on its screen.
    package var lastLine: String? { (console.isSilent ? screenProgress?.lastLines : console.lastLines)?.last }

    /// What kept it from coming up in its last run, although that was ended in order.
    package var lastRunsDeadEnd: Diagnosis? {
        guard !state.isAlive, state != .crashed else { return nil }
        var then = self
        (then.state, then.endReason) = (.running, nil)
        return then.deadEnd
    }
}
