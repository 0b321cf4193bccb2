import VMCore

// `show --guest`: what a guest shows.

extension GuestEvidence {
    /// A line for each thing that is known. What the guest wrote is bounded and escaped.
    var rows: [(String, String)] {
        var rows = [("guest", overview)]
        if let lastLine {
            let age = lineAge.map { ", \($0.short) ago" } ?? ""
            rows.append(("last line", "\(Printable.foreign(Printable.excerpt(lastLine, limit: 160)))\(age)"))
        }
        if state.isAlive { rows.append(("agent", agent.words)) }
        for address in addresses?.addresses ?? [] {
            let sources = address.sources.map(\.rawValue).joined(separator: ", ")
            rows.append(("address", "\(address.text) (\(sources))"))
        }
        if let unseen { rows.append(("not seen", unseen.summary)) }
        for one in shownComplaints {
            rows += [("symptom", one.cause), ("what to do", one.remedy.description)]
        }
        return rows
    }

    /// The member `guest` of kvmctl.vm/2.
    var json: JSON {
        [
            "stage": .string(stage.rawValue), "overview": .string(overview), "agent": .string(agent.rawValue),
            "addresses": .array((addresses?.addresses ?? []).map(\.json)), "line": .optional(lastLine),
            "silentFor": .optional(lineAge?.components.seconds),
            "symptoms": .array(shownComplaints.map(\.json)),
        ]
    }

    /// When the screen showed a line, nobody knows.
    private var lineAge: Duration? { console.isSilent ? nil : silentFor }

    /// That it was stopped in order is no complaint.
    private var shownComplaints: [Diagnosis] {
        if state.isAlive || state == .crashed { return complaints }
        return lastRunsDeadEnd.map { [$0] } ?? []
    }
}

extension Diagnosis {
    /// What is wrong, why, and what to do.
    var json: JSON {
        [
            "symptom": .string(symptom.id.rawValue), "cause": .string(cause), "remedy": .string(remedy.description),
            "line": .optional(line),
        ]
    }
}
