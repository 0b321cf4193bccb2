import ArgumentParser
import BridgeNet
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl net persist`.
struct NetPersist: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "persist",
        abstract: "Write a bridge, as it is now, to the configuration that sets up this host's network at boot.",
        discussion: """
            The service that this host uses is detected: systemd-networkd, ifupdown or NetworkManager. Only kvmctl's \
            own files are written. Other files about the same links are named, with what to do about them. An address \
            that came from DHCP will come from DHCP again.
            """)

    @Argument(help: "The bridge, such as br0.", completion: .bridge, transform: OptionValue.presentBridge)
    var bridge: DeviceName

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "networkd, ifupdown or networkmanager. Default: the one that this host uses.", valueName: "service"),
        transform: OptionValue.networkService)
    var service: NetworkService?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let name = try Bridges.name(of: bridge)
        if Trial.isOn(name, try Site.current.paths) {
            throw VMError(
                .busy, name.description, "is on trial: what is written now would outlast a rollback",
                remedy: .run("keep it first", "kvmctl net confirm \(name)"))
        }
        try Persisting(name, for: service).reach(name, dryRun, output)
    }
}

/// `kvmctl net unpersist`.
struct NetUnpersist: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpersist",
        abstract: "Remove the files that `net persist` wrote; the bridge stays until the next boot.")

    @Argument(help: "The bridge, such as br0.", completion: .bridge, transform: OptionValue.presentBridge)
    var bridge: DeviceName

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let name = try Bridges.name(of: bridge)
        try Persisting(removing: name).reach(name, dryRun, output)
    }
}

extension Persisting {
    /// Carries out the change, unless this is a dry run, and reports it.
    fileprivate func reach(_ bridge: InterfaceName, _ dryRun: DryRunOption, _ output: OutputOptions) throws {
        if !dryRun.isOn { try carryOut() }
        output.print(
            PersistReport(
                bridge, isDryRun: dryRun.isOn, service: service, plan: plan, effect: effect, notices: notices))
        notices.forEach(Message.note)
    }
}
