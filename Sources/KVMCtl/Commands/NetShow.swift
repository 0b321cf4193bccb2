import ArgumentParser
import BridgeNet
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl net show`.
struct NetShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the bridges and what is connected to them.")

    @Argument(help: "Only this bridge.", completion: .bridge, transform: OptionValue.presentBridge)
    var bridge: DeviceName?

    @OptionGroup var output: OutputOptions

    func run() throws {
        let name = try bridge.map { bridge throws(VMError) in try Bridges.name(of: bridge) }
        let bridges = try Bridges.all().filter { name == nil || $0.name == name?.description }
        if let name, bridges.isEmpty {
            throw VMError(
                .notFound, name.description, "there is no such bridge",
                remedy: .run("make it", "kvmctl net up \(name)"))
        }
        let paths = try Site.current.paths
        let trials = bridges.reduce(into: [:]) { trials, bridge in
            trials[bridge.name] = InterfaceName(bridge.name).flatMap { Trial.secondsLeft($0, paths) }
        }
        output.print(BridgesReport(bridges, trials: trials))
    }
}
