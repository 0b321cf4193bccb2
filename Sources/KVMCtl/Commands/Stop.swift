import ArgumentParser
import VMCore
import VMLife

/// `kvmctl stop`.
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", _superCommandName: Root.name,
        abstract: "Stop VMs.",
        discussion: """
            The guest is asked first, by the ACPI power button, pressed again every 5 s. If it has not shut down in \
            time, QEMU is told to quit; if that fails, QEMU is killed. The output says which it was. A paused or \
            sleeping guest is woken up first; one that has panicked is not asked. A stop with a shorter timeout \
            overtakes one that is still waiting for the guest. Several VMs are stopped at the same time.
            """)

    @OptionGroup var targets: Targets

    @Option(help: "How long the guest may take to shut down. Default: 30s.", transform: OptionValue.duration)
    var timeout = Duration.seconds(30)

    @Flag(help: "Don't ask the guest: like cutting the power.")
    var now = false

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list("kvmctl.stop/1") { results in
            // All are stopped at the same time, and reported one after the other.
            try targets.forEach(results, begin, holding: Stopping.descriptors) { stop in
                let outcome = try stop.outcome?.value.get()
                outcome?.leftBehind.forEach(Message.error)
                if !output.json {
                    print("\(stop.name): \(outcome.map { Self.text($0, patience) } ?? Self.text(stop.steps, patience))")
                }
                results.add([
                    "dryRun": .bool(dryRun.isOn), "name": .string(stop.name.description),
                    "rungs": .array(stop.steps.map { .string($0.rawValue) }),
                    "result": .optional(outcome?.step.rawValue),
                ])
            }
        }
    }

    private var patience: Duration { now ? .zero : timeout }

    /// A stop in progress; without an outcome if there is nothing to do.
    private struct Begun {
        var name: VMName
        var steps: [Stopping.Step]
        var outcome: Background<Result<Stopping.Outcome, VMError>>?
    }

    private func begin(_ vm: Machine) throws -> Begun {
        try vm.refuseAnothers()
        let stopping = vm.stopping(timeout: patience)
        let steps = try stopping.steps()
        let outcome = dryRun.isOn ? nil : Background { Result { () throws(VMError) in try stopping.stop() } }
        return Begun(name: vm.name, steps: steps, outcome: outcome)
    }

    private static func text(_ steps: [Stopping.Step], _ timeout: Duration) -> String {
        guard !steps.isEmpty else { return "not running" }
        let guest = "the guest is asked to shut down, for up to \(timeout.components.seconds)s; else "
        return "would be stopped: \(steps.contains(.guest) ? guest : "")QEMU is told to quit; else it is killed"
    }

    private static func text(_ outcome: Stopping.Outcome, _ timeout: Duration) -> String {
        let why =
            switch outcome.answer {
            case .notAsked, .ended: ""
            case .tooSlow: "the guest did not shut down in \(timeout.components.seconds)s; "
            case .pointless(let runState): "the guest can no longer be asked (\(runState.name)); "
            case .noMonitor(let cause): "\(cause), so the guest could not be asked; "
            }
        return switch outcome.step {
        case .alreadyStopped: "not running"
        case .guest: "stopped; the guest shut down"
        case .quit: "stopped; \(why)QEMU was told to quit"
        case .killed: "stopped; \(why)QEMU did not quit and was killed"
        case .crashed: "stopped; QEMU ended unexpectedly before it was told to quit"
        }
    }
}
