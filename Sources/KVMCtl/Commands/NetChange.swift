import BridgeNet
import VMCore
import VMHost
import VMLife
import VMReports

extension BridgeChange {
    /// Plans and makes a change while no other command changes the host's network. A dry run does not have to wait.
    static func withNetworkLocked(_ dryRun: DryRunOption, _ body: () throws -> Void) throws {
        if dryRun.isOn { return try body() }
        try Bridges.withNetworkLocked(try Site.current.paths, body)
    }

    /// Carries out the change, unless this is a dry run, and reports it.
    ///
    /// - Parameter trial: How long the change is on trial; nil if it is not.
    func reach(
        _ goal: BridgeChangeReport.Goal, _ dryRun: DryRunOption, _ output: OutputOptions, trial: Duration? = nil
    ) throws {
        if !dryRun.isOn, !isEmpty {
            try Site.current.refuseUser("\(bridge)")
            if let trial {
                try TrialPrompt(self).run(for: trial)
            } else {
                try carryOut(try Site.current.paths)
            }
            notices.forEach(Message.note)
        }
        output.print(BridgeChangeReport(bridge, goal, isDryRun: dryRun.isOn, steps: steps, moved: moved))
    }
}
