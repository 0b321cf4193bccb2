import ArgumentParser
import BridgeNet
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl net confirm`.
struct NetConfirm: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm", abstract: "Keep a change that `net up --try` made.")

    @Argument(
        help: "The bridge. Default: every change that is on trial.", completion: .bridge,
        transform: OptionValue.presentBridge)
    var bridge: DeviceName?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        // Only root can see what is on trial.
        try Site.current.refuseUser(bridge?.description ?? "net confirm")
        let name = try bridge.map { bridge throws(VMError) in try Bridges.name(of: bridge) }
        let kept = try Trial.keep(name, try Site.current.paths, isDry: dryRun.isOn)
        output.print(ConfirmReport(kept, isDryRun: dryRun.isOn))
    }
}
