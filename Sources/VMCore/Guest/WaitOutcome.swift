/// What a wait for a VM came to.
package struct WaitOutcome: Sendable {
    /// How it ended.
    package enum End: Sendable {
        case met
        /// The deadline passed.
        case timedOut
        /// The guest can't get there by itself.
        case deadEnd(Diagnosis)
    }

    /// What was waited for, and how each was met; nil: it was not.
    package var conditions: [(condition: WaitCondition, how: String?)]
    /// Whether one of them was enough.
    package var any: Bool
    /// What the guest showed in the end.
    package var evidence: GuestEvidence
    /// How long it took.
    package var waited: Duration
    package var end: End
    /// Where a picture of the screen was put; nil: nowhere.
    package var picture: String?

    package init(
        conditions: [(condition: WaitCondition, how: String?)], any: Bool, evidence: GuestEvidence, waited: Duration,
        end: End, picture: String? = nil
    ) {
        (self.conditions, self.any, self.evidence) = (conditions, any, evidence)
        (self.waited, self.end, self.picture) = (waited, end, picture)
    }

    /// Those that were not met.
    package var missing: [WaitCondition] { conditions.filter { $0.how == nil }.map(\.condition) }

    /// Why the guest is not where it was waited for; nil if it is, or nothing tells.
    package var diagnosis: Diagnosis? {
        switch end {
        case .met: nil
        case .timedOut: evidence.likelyCause(of: missing)
        case .deadEnd(let diagnosis): diagnosis
        }
    }

    /// The wait as an error; nil if it was met.
    package var problem: VMError? {
        let name = evidence.vm.description
        let stage = evidence.stage.words
        switch end {
        case .met: return nil
        case .deadEnd(let diagnosis):
            let line = diagnosis.line.map { ["it says: \(Self.shown($0))"] } ?? []
            return VMError(
                .unavailable, name, "\(diagnosis.cause); the last stage it reached: \(stage)", remedy: diagnosis.remedy,
                details: line + screenLine)
        case .timedOut:
            let wanted = missing.map(\.description).joined(separator: ", ")
            return VMError(
                .timedOut, name,
                "\(wanted): not reached after \((waited + .milliseconds(500)).components.seconds) s; the last stage it reached: \(stage)",
                remedy: diagnosis?.remedy
                    ?? "look into it: \(command: "kvmctl console \(name)"), \(command: "kvmctl logs \(name)")",
                details: evidence.summary(of: missing) + screenLine
                    + (diagnosis.map { ["likely: \($0.cause)"] } ?? []))
        }
    }

    private var screenLine: [String] { picture.map { ["its screen is in \(Printable.foreign($0))"] } ?? [] }

    /// A line of a guest's in a message: bounded, and nothing in it looks like a command.
    static func shown(_ line: String) -> String { Printable.foreign(Printable.excerpt(line, limit: 160)) }
}

extension GuestEvidence {
    /// What was seen, in a few lines.
    package func summary(of missing: [WaitCondition]) -> [String] {
        var lines = ["QEMU: \(state.rawValue)\(pause.map { " (\($0))" } ?? ""); guest agent: \(agent.words)"]
        for case .tcp(let port) in missing { lines.append("tcp:\(port): \(ports[port]?.words ?? "not tried")") }
        lines += (addresses?.nics ?? []).compactMap { nic in nic.story.map { "NET\(nic.index) (\(nic.network)): \($0)" }
        }
        .prefix(2)
        if case .graphics(let width, let height) = screen { lines.append("screen: graphics, \(width)×\(height)") }
        let last = console.isSilent ? screenProgress?.lastLines ?? [] : console.lastLines
        let source = console.isSilent ? "screen" : "console"
        if console.isSilent, hasConsole, state.isAlive {
            lines.append("console: nothing \(stageBefore == nil ? "yet" : "since it goes on where it was suspended")")
        }
        return lines + last.suffix(3).map { "\(source): \(WaitOutcome.shown($0))" }
    }
}

extension GuestEvidence.Agent {
    /// For people.
    package var words: String {
        switch self {
        case .unknown: "not asked"
        case .absent: "none runs in the guest"
        case .silent: "does not answer"
        case .answers: "answers"
        }
    }
}

extension GuestEvidence.PortAnswer {
    /// For people.
    package var words: String {
        switch self {
        case .open: "open"
        case .refused: "connection refused"
        case .silent: "no answer"
        case .unreachable: "the host can't reach the guest's address"
        case .noAddress: "no address of the guest's is known"
        }
    }
}
