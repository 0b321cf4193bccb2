import ArgumentParser
import BridgeNet
import VMCore
import VMHost
import VMLife

/// `kvmctl net`.
struct Net: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "net", _superCommandName: Root.name,
        abstract: "Create, remove and show the host's bridges, and connect them to networks.",
        subcommands: [
            NetUp.self, NetConfirm.self, NetDown.self, NetShow.self, NetPersist.self, NetUnpersist.self, NetGuard.self,
        ])
}

/// `kvmctl net down`.
struct NetDown: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Remove a bridge that no VM uses.",
        discussion: "The bridge's addresses, routes and rules move back to its uplink.")

    @Argument(help: "The bridge, such as br0.", transform: OptionValue.presentBridge)
    var bridge: DeviceName

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try NetResult.withNetworkLocked(dryRun) {
            let change = try Bridges.down(try Bridges.name(of: bridge))
            let done = change.moved.isEmpty ? "removed" : "removed; \(change.moved) moved back to its uplink"
            try NetResult(change, wasThere: "no such bridge", done: done).reach(dryRun, output)
        }
    }
}

/// `kvmctl net show`.
struct NetShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the bridges and what is connected to them.")

    @Argument(help: "Only this bridge.", transform: OptionValue.presentBridge)
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
        if output.json {
            output.print(list: bridges.map { $0.json(trialLeft: trials[$0.name]) })
        } else {
            show(bridges)
            for (name, left) in trials.sorted(by: { $0.key < $1.key }) {
                print("\(name): on trial for another \(left) s; \(command: "kvmctl net confirm \(name)") keeps it")
            }
        }
    }

    private func show(_ bridges: [Bridges.Bridge]) {
        var table = Table("BRIDGE", "NETWORK", "STATE", "MTU", "MAC", "ADDRESS", "PORT", "VM")
        for bridge in bridges {
            let address = bridge.addresses.isEmpty ? "-" : bridge.addresses.joined(separator: ",")
            var own = [bridge.name, bridge.network, bridge.isUp ? "up" : "down", "\(bridge.mtu)", bridge.mac, address]
            if bridge.ports.isEmpty { table.add(own + ["-", "-"]) }
            for port in bridge.ports {
                table.add(own + [port.name, port.name == bridge.uplink ? "(uplink)" : port.alias ?? "-"])
                own = own.map { _ in "" }
            }
        }
        print(table.text)
    }
}

/// The change that a command made to a bridge, or would make.
struct NetResult {
    let change: BridgeChange
    let wasThere: String
    let done: String

    init(_ change: BridgeChange, wasThere: String, done: String) {
        (self.change, self.wasThere, self.done) = (change, wasThere, done)
    }

    /// Plans and makes a change while no other command changes the host's network. A dry run does not have to wait.
    static func withNetworkLocked(_ dryRun: DryRunOption, _ body: () throws -> Void) throws {
        if dryRun.isOn { return try body() }
        try Bridges.withNetworkLocked(try Site.current.paths, body)
    }

    /// Carries out the change, unless this is a dry run, and reports it.
    ///
    /// - Parameter trial: How long the change is on trial; nil if it is not.
    func reach(_ dryRun: DryRunOption, _ output: OutputOptions, trial: Duration? = nil) throws {
        if !dryRun.isOn, !change.isEmpty {
            try Site.current.refuseUser("\(change.bridge)")
            if let trial {
                try TrialPrompt(change).run(for: trial)
            } else {
                try change.carryOut(try Site.current.paths)
            }
            change.notices.forEach(Message.note)
        }
        if output.json {
            output.print(json(dryRun: dryRun.isOn))
        } else if change.isEmpty {
            print("\(change.bridge): \(wasThere)")
        } else if dryRun.isOn {
            change.steps.forEach { print($0) }
        } else {
            print("\(change.bridge): \(done)")
        }
    }

    /// As JSON (docs/json.md, schema kvmctl.net/1).
    private func json(dryRun: Bool) -> JSON {
        [
            "schema": "kvmctl.net/1", "dryRun": .bool(dryRun), "name": .string(change.bridge.description),
            "steps": .array(change.steps.map(JSON.string)),
        ]
    }
}

extension Bridges.Bridge {
    /// As JSON (docs/json.md, schema kvmctl.bridge/1).
    ///
    /// - Parameter left: For how many more seconds a change to it is on trial.
    func json(trialLeft left: Int64?) -> JSON {
        [
            "schema": "kvmctl.bridge/1", "name": .string(name), "network": .string(network),
            "up": .bool(isUp), "mtu": .integer(Int64(mtu)),
            "mac": .string(mac),
            "uplink": .optional(uplink), "addresses": .array(addresses.map(JSON.string)),
            "stp": .bool(hasSpanningTree), "vlanAware": .bool(isVLANAware),
            "trialSecondsLeft": left.map(JSON.integer) ?? .null,
            "ports": .array(ports.map { ["name": .string($0.name), "alias": .optional($0.alias)] }),
        ]
    }
}
