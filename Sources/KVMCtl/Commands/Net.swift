import ArgumentParser
import BridgeNet
import VMCore

/// `kvmctl net`.
struct Net: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "net", _superCommandName: Root.name,
        abstract: "Make, remove and show the host's bridges.",
        subcommands: [NetUp.self, NetDown.self, NetShow.self, NetPersist.self, NetUnpersist.self])
}

/// `kvmctl net up`.
struct NetUp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Make a bridge, or bring one up; one that is there as asked is left alone.")

    @Argument(help: "The bridge, such as br0.", transform: OptionValue.bridge)
    var bridge: InterfaceName

    @Option(help: "Its MTU in bytes.", transform: OptionValue.mtu)
    var mtu: Int?

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let change = try Bridges.up(bridge, mtu: mtu)
        let done = "up (\(change.steps.joined(separator: "; ")))"
        try NetResult(bridge, change, wasThere: "up already", done: done).reach(dryRun, output)
    }
}

/// `kvmctl net down`.
struct NetDown: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Remove a bridge that nothing is connected to.")

    @Argument(help: "The bridge, such as br0.", transform: OptionValue.bridge)
    var bridge: InterfaceName

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let change = try Bridges.down(bridge)
        try NetResult(bridge, change, wasThere: "there is none", done: "removed").reach(dryRun, output)
    }
}

/// `kvmctl net show`.
struct NetShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the bridges and what is connected to them.")

    @Argument(help: "Only this bridge.", transform: OptionValue.bridge)
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

/// What a command made of a bridge, or would make.
struct NetResult {
    let bridge: InterfaceName
    let change: Bridges.Change
    let wasThere: String
    let done: String

    init(_ bridge: InterfaceName, _ change: Bridges.Change, wasThere: String, done: String) {
        (self.bridge, self.change, self.wasThere, self.done) = (bridge, change, wasThere, done)
    }

    /// Carries the change out, unless it is only asked for, and says so.
    func reach(_ dryRun: DryRunOption, _ output: OutputOptions) throws {
        if !dryRun.isOn { try change.carryOut() }
        if output.json {
            output.print(json(dryRun: dryRun.isOn))
        } else if change.isEmpty {
            print("\(bridge): \(wasThere)")
        } else if dryRun.isOn {
            change.steps.forEach { print($0) }
        } else {
            print("\(bridge): \(done)")
        }
    }

    /// As JSON (docs/json.md, schema kvmctl.net/1).
    private func json(dryRun: Bool) -> JSON {
        [
            "schema": "kvmctl.net/1", "dryRun": .bool(dryRun), "name": .string(bridge.description),
            "steps": .array(change.steps.map(JSON.string)),
        ]
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
