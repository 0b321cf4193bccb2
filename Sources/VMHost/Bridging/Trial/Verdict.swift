import BridgeNet

/// What became of a change on trial.
package enum Verdict: Equatable, Sendable {
    /// Somebody confirmed it.
    case kept
    /// Nobody confirmed it in time, and it was taken back.
    case timePassed
    /// A router that had answered before no longer did, and it was taken back.
    case gatewayLost(String)
    /// The command that made it has ended, and it was taken back.
    case abandoned
}

extension Verdict {
    /// As the guardian says it, in a line.
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

    /// Why it was taken back.
    package var reason: String {
        switch self {
        case .kept: "confirmed"
        case .timePassed: "it was not confirmed in time"
        case .gatewayLost(let gateway): "the gateway \(gateway), which answered before, no longer did"
        case .abandoned: "the command that made it ended before it was confirmed"
        }
    }
}
