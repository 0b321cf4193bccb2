import ArgumentParser
import VMCore

/// `kvmctl stop`.
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop VMs.",
        discussion: """
            The guest is asked first (the ACPI power button, pressed again every 5 s); if it has not shut down in time, \
            QEMU is told to quit, and if that fails it is killed. Says which it was. A paused or sleeping guest is \
            woken up first; one that has panicked is not asked. A stop with less patience goes ahead of one that is \
            still waiting for the guest.
            """)

    @OptionGroup var targets: Targets

    @Option(help: "How long the guest may take to shut down.")
    var timeout = TimeSpan(seconds: 30)

    @Flag(help: "Don't ask the guest: as if the power was cut.")
    var now = false

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        var results: [JSON] = []
        defer { if output.json { output.print(list: results) } }
        let timeout = now ? Duration.zero : timeout.duration
        try targets.forEach { vm in
            if dryRun.isOn {
                print(
                    "\(vm.name): would be \(now ? "told to quit" : "asked to shut down, for \(timeout.components.seconds)s")"
                )
                return
            }
            let outcome = try Stopping(vm, timeout: timeout, paths: try Places.current()).stop()
            if !output.json { print("\(vm.name): \(Self.text(outcome, timeout))") }
            results.append([
                "schema": "kvmctl.stop/1", "name": .string(vm.name.description),
                "result": .string(outcome.rung.rawValue),
            ])
        }
    }

    private static func text(_ outcome: Stopping.Outcome, _ timeout: Duration) -> String {
        let why =
            switch outcome.answer {
            case .notAsked, .ended: ""
            case .tooSlow: "the guest did not shut down in \(timeout.components.seconds)s; "
            case .pointless(let runState): "the guest is past being asked (\(runState)); "
            case .noMonitor(let cause): "\(cause), so the guest could not be asked; "
            }
        return switch outcome.rung {
        case .alreadyStopped: "not running"
        case .guest: "stopped; the guest shut down"
        case .quit: "stopped; \(why)QEMU was told to quit"
        case .killed: "stopped; \(why)QEMU did not quit and was killed"
        case .crashed: "stopped; QEMU ended without a word before it was told to"
        }
    }
}
