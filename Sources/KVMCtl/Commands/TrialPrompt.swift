import BridgeNet
import Glibc
import SystemPackage
import VMCore
import VMHost
import VMLife

/// The messages and questions to the user while a change is on trial.
struct TrialPrompt {
    private let change: BridgeChange
    /// Whether a user can see the question and answer it.
    private let isTerminal = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1

    init(_ change: BridgeChange) { self.change = change }

    /// Makes the change and waits for the verdict.
    ///
    /// - Throws: Why it was rolled back: `.timedOut`, or `.unavailable` without the gateway or the guardian.
    func run(for limit: Duration) throws {
        let paths = try Site.current.paths
        var trial = try change.begin(trialFor: limit, paths)
        let deadline = Deadline(in: limit)
        if !isTerminal {
            Message.note(
                "\(change.bridge): on trial for \(limit.components.seconds) s; "
                    + "\(command: "kvmctl net confirm \(change.bridge)") keeps it")
        }
        while true {
            if isTerminal { ask(deadline.remaining) }
            switch trial.wait(for: .seconds(1), input: isTerminal ? .standardInput : nil) {
            case .quiet: continue
            case .line: try answer(paths)
            case .verdict(let verdict, let left):
                if isTerminal { Message.write("\n") }
                return try conclude(verdict, left, paths)
            }
        }
    }

    private func ask(_ left: Duration) {
        let seconds = "\(left.wholeMilliseconds / 1000) s left".padding(to: 12)
        Message.write("\r\(change.bridge): keep it? Enter keeps it, Ctrl-C rolls it back; \(seconds)")
    }

    /// Handles the line that was typed; the end of the input is not an answer.
    private func answer(_ paths: Paths) throws {
        guard readLine() != nil else { throw VMError(.timedOut, "\(change.bridge)", "the terminal is gone") }
        _ = try? Trial.keep(change.bridge, paths)
    }

    private func conclude(_ verdict: Verdict, _ left: [String], _ paths: Paths) throws {
        if verdict == .kept { return }
        // If the guardian was killed, the change is still there.
        let leftovers = Trial.settleLeftovers(paths)
        throw VMError(
            verdict == .timePassed ? .timedOut : .unavailable, "\(change.bridge)",
            "rolled back: \(verdict.reason)", remedy: remedy(verdict),
            details: left + leftovers.failures.map(\.description))
    }

    private func remedy(_ verdict: Verdict) -> Remedy? {
        switch verdict {
        case .timePassed: "to keep it, press Enter in time, or run \(command: "kvmctl net confirm \(change.bridge)")"
        case .gatewayLost:
            "check whether the uplink still has a carrier, and whether the network admits a bridge (port security, 802.1X)"
        case .kept, .abandoned: nil
        }
    }
}

extension String {
    fileprivate func padding(to length: Int) -> String { self + String(repeating: " ", count: max(0, length - count)) }
}
