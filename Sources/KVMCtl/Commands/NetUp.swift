import ArgumentParser
import BridgeNet
import SystemPackage
import VMCore
import VMHost
import VMReports

/// `kvmctl net up`.
struct NetUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Create a bridge, or bring one up; one that is already as asked is left alone.",
        discussion: """
            With --uplink, the device's addresses, routes and MAC move to the bridge in one step, so that connections \
            survive. With --try, the change is rolled back unless it is confirmed in time, with Enter or `kvmctl net \
            confirm`. It is rolled back at once if the command ends early, for whatever reason, or if a gateway that \
            answered before stops answering.
            """)

    @Argument(help: "The bridge, such as br0.", completion: .bridge, transform: OptionValue.bridge)
    var bridge: InterfaceName

    @Option(
        help: "The device that connects it to the outside network, by any of its names.", completion: .device,
        transform: OptionValue.device)
    var uplink: DeviceName?

    @Option(
        name: .customLong("address"), parsing: .singleValue,
        help: "An address for the host, with a prefix length: 192.168.1.5/24. May be repeated.",
        transform: OptionValue.addressWithLength)
    var addresses: [IPPrefix] = []

    @Option(
        name: .customLong("gateway"), parsing: .singleValue,
        help: "The router for the default route; one for IPv4 and one for IPv6.", transform: OptionValue.address)
    var gateways: [IPAddress] = []

    @Option(help: "Its MTU in bytes.", transform: OptionValue.mtu)
    var mtu: Int?

    @Flag(help: "Run the spanning tree protocol.")
    var stp = false

    @Flag(name: .customLong("vlan-aware"), help: "Make it VLAN-aware: it keeps VLANs apart.")
    var vlanAware = false

    @Option(
        name: .customLong("try"), help: "Roll it back unless it is confirmed within this time, such as 30s.",
        transform: OptionValue.duration)
    var trial: Duration?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if Set(gateways.map(\.family)).count < gateways.count {
            throw ValidationError("--gateway: there can be one for IPv4 and one for IPv6")
        }
        if let trial, trial < .seconds(1) {
            throw ValidationError("--try: at least one second is needed to confirm it")
        }
    }

    func run() throws {
        let wanted = ConnectedBridge(
            try Bridges.spec(try Bridges.name(of: DeviceName(bridge)), mtu: mtu), uplink: uplink, addresses: addresses,
            gateways: gateways,
            spanningTree: stp, vlanAware: vlanAware)
        try BridgeChange.withNetworkLocked(dryRun) {
            try Bridges.up(wanted).reach(.up(uplink: uplink), dryRun, output, trial: trial)
        }
    }
}

/// `kvmctl net guard`: run by `net up --try`, beside itself.
struct NetGuard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard", abstract: "Watch over a change that is on trial.", shouldDisplay: false)

    @Argument(transform: { FilePath($0) }) var journal: FilePath
    @Argument(transform: OptionValue.duration) var limit: Duration

    func run() throws {
        guard let (verdict, failures) = try Guardian(journal: journal).watch(for: limit), verdict != .kept else {
            return
        }
        // The command can no longer say so; the terminal may still be there.
        Message.note("\(journal.lastComponent?.string ?? ""): rolled back: \(verdict.reason)")
        failures.forEach(Message.error)
    }
}
