import ArgumentParser
import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// `kvmctl net up`.
struct NetUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Make a bridge, or bring one up; one that is there as asked is left alone.",
        discussion: """
            With --uplink, the device's addresses, routes and MAC become the bridge's, all at once: connections survive. \
            With --try, all goes back unless it is confirmed in time, by Enter or by `kvmctl net confirm`; at once if the \
            command ends before, however that comes, or if the gateway that answered before no longer does.
            """)

    @Argument(help: "The bridge, such as br0.", transform: OptionValue.bridge)
    var bridge: InterfaceName

    @Option(
        help: "The device that connects it to the network outside, by any of its names.", transform: OptionValue.device)
    var uplink: DeviceName?

    @Option(
        name: .customLong("address"), parsing: .singleValue,
        help: "An address of the host's on it, with a length: 192.168.1.5/24. May be repeated.",
        transform: OptionValue.addressWithLength)
    var addresses: [IPPrefix] = []

    @Option(
        name: .customLong("gateway"), parsing: .singleValue,
        help: "The router of the default route, one for IPv4 and one for IPv6.", transform: OptionValue.address)
    var gateways: [IPAddress] = []

    @Option(help: "Its MTU in bytes.", transform: OptionValue.mtu)
    var mtu: Int?

    @Flag(help: "Speak the spanning tree protocol.")
    var stp = false

    @Flag(name: .customLong("vlan-aware"), help: "Keep VLANs apart.")
    var vlanAware = false

    @Option(
        name: .customLong("try"), help: "Take it all back unless it is confirmed in this time, such as 30s.",
        transform: OptionValue.duration)
    var trial: Duration?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if Set(gateways.map(\.family)).count < gateways.count {
            throw ValidationError("--gateway: there can be one for IPv4 and one for IPv6")
        }
        if let trial, trial < .seconds(1) {
            throw ValidationError("--try: less than a second is no time to confirm it")
        }
    }

    func run() throws {
        let wanted = ConnectedBridge(
            try Bridges.spec(try Bridges.name(of: DeviceName(bridge)), mtu: mtu), uplink: uplink, addresses: addresses,
            gateways: gateways,
            spanningTree: stp, vlanAware: vlanAware)
        try NetResult.inTurn(dryRun) {
            let change = try Bridges.up(wanted)
            try NetResult(change, wasThere: "up already", done: done(change)).reach(dryRun, output, trial: trial)
        }
    }

    private func done(_ change: BridgeChange) -> String {
        guard let uplink else { return "up (\(change.steps.joined(separator: "; ")))" }
        return "up, with the uplink \(uplink)" + (change.moved.isEmpty ? "" : "; it has \(change.moved) now")
    }
}

/// `kvmctl net guard`: what `net up --try` runs, beside itself.
struct NetGuard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard", abstract: "See to a change that is on trial.", shouldDisplay: false)

    @Argument(transform: { FilePath($0) }) var journal: FilePath
    @Argument(transform: OptionValue.duration) var limit: Duration

    func run() throws {
        guard let (verdict, failures) = try Guardian(journal: journal).watch(for: limit), verdict != .kept else {
            return
        }
        // The command can't say it any more; the terminal may still be there.
        Message.note("\(journal.lastComponent?.string ?? ""): taken back: \(verdict.reason)")
        failures.forEach(Message.error)
    }
}
