import ArgumentParser
import BridgeNet
import VMCore
import VMHost
import VMLife

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
        if Trial.isOn(name, try Site.current.paths) {
            throw VMError(
                .busy, name.description, "is on trial: what is written now would outlast a rollback",
                remedy: .run("keep it first", "kvmctl net confirm \(name)"))
        }
        let persisting = try Persisting(name, for: service)
        let title = persisting.service?.title ?? ""
        try persisting.report(name, dryRun, output, otherwise: "already in the files of \(title)")
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
        try Persisting(removing: name).report(name, dryRun, output, otherwise: "in none of kvmctl's files")
    }
}

extension Persisting {
    /// Carries out the change, unless this is a dry run, and reports it.
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
