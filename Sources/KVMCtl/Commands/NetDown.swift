import ArgumentParser
import BridgeNet
import VMCore
import VMHost
import VMReports

/// `kvmctl net down`.
struct NetDown: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Remove a bridge that no VM uses.",
        discussion: "The bridge's addresses, routes and rules move back to its uplink.")

    @Argument(help: "The bridge, such as br0.", completion: .bridge, transform: OptionValue.presentBridge)
    var bridge: DeviceName

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try BridgeChange.withNetworkLocked(dryRun) {
            let change = try Bridges.down(try Bridges.name(of: bridge))
            try change.reach(.down, dryRun, output)
        }
    }
}
