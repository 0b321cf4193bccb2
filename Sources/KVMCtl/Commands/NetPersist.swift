import ArgumentParser
import BridgeNet
import VMCore
import VMHost

/// `kvmctl net persist`.
struct NetPersist: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "persist",
        abstract: "Write a bridge, as it is now, into the configuration of what sets this host's network up at boot.",
        discussion: """
            What the host uses is found by looking: systemd-networkd, ifupdown or NetworkManager. Only files of kvmctl's own \
            are written; other files that are about the same links are named, with what to do. An address that came from \
            DHCP is asked for by DHCP again.
            """)

    @Argument(help: "The bridge, such as br0.", transform: OptionValue.presentBridge)
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
        if Trial.isOn(name, try Places.current()) {
            throw VMError(
                .busy, name.description, "is on trial: what is written now would be there after a boot all the same",
                remedy: .run("keep it first", "kvmctl net confirm \(name)"))
        }
        let persisting = try Persisting(name, for: service)
        let title = persisting.service?.title ?? ""
        try persisting.report(name, dryRun, output, otherwise: "in the files of \(title) already")
    }
}

/// `kvmctl net unpersist`.
struct NetUnpersist: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpersist",
        abstract: "Remove the files that `net persist` wrote; the bridge stays until the next boot.")

    @Argument(help: "The bridge, such as br0.", transform: OptionValue.presentBridge)
    var bridge: DeviceName

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let name = try Bridges.name(of: bridge)
        try Persisting(removing: name).report(name, dryRun, output, otherwise: "in no file of kvmctl's")
    }
}

extension Persisting {
    /// Carries it out, unless it is only asked for, and says so.
    fileprivate func report(
        _ bridge: InterfaceName, _ dryRun: DryRunOption, _ output: OutputOptions, otherwise: String
    ) throws {
        if !dryRun.isOn { try carryOut() }
        if output.json {
            output.print(json(bridge, dryRun: dryRun.isOn))
        } else {
            show(dryRun: dryRun.isOn)
            print("\(bridge): \(plan.isEmpty ? otherwise : effect)")
        }
        notices.forEach(Message.note)
    }

    private func show(dryRun: Bool) {
        for file in plan.writes {
            let mode = String(file.permissions, radix: 8)
            print(dryRun ? "write \(file.path), mode 0\(mode):\n\(file.text)" : "wrote \(file.path)")
        }
        for path in plan.removals { print("\(dryRun ? "remove" : "removed") \(path)") }
    }

    /// As JSON (docs/json.md, schema kvmctl.persist/1).
    private func json(_ bridge: InterfaceName, dryRun: Bool) -> JSON {
        [
            "schema": "kvmctl.persist/1", "dryRun": .bool(dryRun), "name": .string(bridge.description),
            "service": .optional(service?.rawValue),
            "written": .array(
                plan.writes.map {
                    ["path": .string($0.path), "mode": .integer(Int64($0.permissions)), "text": .string($0.text)]
                }),
            "removed": .array(plan.removals.map(JSON.string)),
            "notices": .array(notices.map(JSON.string)),
        ]
    }
}
