import ArgumentParser
import BridgeNet
import VMCore

/// `kvmctl net`.
struct Net: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, remove and show the host's bridges.", subcommands: [NetUp.self, NetDown.self, NetShow.self])
}

/// `kvmctl net up`.
struct NetUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Make a bridge, or bring one up; one that is there as asked is left alone.")

    @Argument(help: "The bridge, such as br0.")
    var bridge: InterfaceName

    @Option(help: "Its MTU in bytes.")
    var mtu: Int?

    @OptionGroup var dryRun: DryRunOption

    func validate() throws {
        if let mtu, !(68...65535).contains(mtu) { throw ValidationError("--mtu takes 68 to 65535") }
    }

    func run() throws {
        let change = try Bridges.up(bridge, mtu: mtu)
        if !dryRun.isOn { try change.carryOut() }
        change.report(already: "\(bridge): up already", dryRun: dryRun.isOn, done: "\(bridge): up")
    }
}

/// `kvmctl net down`.
struct NetDown: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Remove a bridge that nothing is connected to.")

    @Argument(help: "The bridge, such as br0.")
    var bridge: InterfaceName

    @OptionGroup var dryRun: DryRunOption

    func run() throws {
        let change = try Bridges.down(bridge)
        if !dryRun.isOn { try change.carryOut() }
        change.report(already: "\(bridge): there is none", dryRun: dryRun.isOn, done: "\(bridge): removed")
    }
}

/// `kvmctl net show`.
struct NetShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the bridges and what is connected to them.")

    @Argument(help: "Only this bridge.")
    var bridge: InterfaceName?

    @OptionGroup var output: OutputOptions

    func run() throws {
        let bridges = try Bridges.all().filter { bridge == nil || $0.name == bridge?.description }
        if let bridge, bridges.isEmpty {
            throw VMError(
                .notFound, bridge.description, "there is no such bridge", remedy: "make it: `kvmctl net up \(bridge)`")
        }
        if output.json {
            output.print(list: bridges.map(\.json))
            return
        }
        var table = Table("BRIDGE", "STATE", "MTU", "MAC", "PORT", "VM")
        for bridge in bridges {
            let state = bridge.isUp ? "up" : "down"
            if bridge.ports.isEmpty { table.add(bridge.name, state, "\(bridge.mtu)", bridge.mac, "-", "-") }
            for (position, port) in bridge.ports.enumerated() {
                let isFirst = position == 0
                table.add(
                    isFirst ? bridge.name : "", isFirst ? state : "", isFirst ? "\(bridge.mtu)" : "",
                    isFirst ? bridge.mac : "", port.name, port.alias ?? "-")
            }
        }
        print(table.text)
    }
}

extension Bridges.Change {
    /// Says what was done, or would be.
    func report(already: String, dryRun: Bool, done: String) {
        if isEmpty {
            print(already)
        } else if dryRun {
            steps.forEach { print($0) }
        } else {
            print(done)
        }
    }
}

extension Bridges.Bridge {
    /// As JSON (docs/json.md, schema kvmctl.bridge/1).
    var json: JSON {
        [
            "schema": "kvmctl.bridge/1", "name": .string(name), "up": .bool(isUp), "mtu": .integer(Int64(mtu)),
            "mac": .string(mac),
            "ports": .array(ports.map { ["name": .string($0.name), "alias": .optional($0.alias)] }),
        ]
    }
}

extension InterfaceName: ExpressibleByArgument {
    /// Takes a valid name.
    public init?(argument: String) { self.init(argument) }
}
