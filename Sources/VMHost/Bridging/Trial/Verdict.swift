import BridgeNet

/// The outcome of a change on trial.
package enum Verdict: Equatable, Sendable {
    /// It was confirmed.
    case kept
    /// It was not confirmed in time, and was rolled back.
    case timePassed
    /// A gateway that had answered before no longer did, and the change was rolled back.
    case gatewayLost(String)
    /// The command that made it ended, and it was rolled back.
    case abandoned
}

extension Verdict {
    /// The line that the guardian sends.
    var line: String {
        switch self {
        case .kept: "kept"
        case .timePassed: "time"
        case .gatewayLost(let gateway): "gateway \(gateway)"
        case .abandoned: "abandoned"
        }
    }

    init?(line: String) {
        switch line {
        case "kept": self = .kept
        case "time": self = .timePassed
        case "abandoned": self = .abandoned
        default:
            guard line.hasPrefix("gateway ") else { return nil }
            self = .gatewayLost(String(line.dropFirst("gateway ".count)))
        }
    }

    /// Why it was rolled back.
    package var reason: String {
        switch self {
        case .kept: "confirmed"
        case .timePassed: "it was not confirmed in time"
        case .gatewayLost(let gateway): "the gateway \(gateway), which answered before, no longer did"
        case .abandoned: "the command that made it ended before it was confirmed"
        }
    }
}
