import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl stop`.
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", _superCommandName: Root.name,
        abstract: "Stop VMs.",
        discussion: """
            The guest is asked first, by the ACPI power button, pressed again every 5 s. If it has not shut down in \
            time, QEMU is told to quit; if that fails, QEMU is killed. The output says which it was. A paused or \
            sleeping guest is woken up first; one that QEMU knows to have panicked is not asked. A stop with a shorter timeout \
            overtakes one that is still waiting for the guest. Several VMs are stopped at the same time.
            """, aliases: ["shutdown"])

    @OptionGroup var targets: Targets

    @Option(help: "How long the guest may take to shut down. Default: 30s.", transform: OptionValue.duration)
    var timeout: Duration?

    @Flag(help: "Don't ask the guest: like cutting the power.")
    var now = false

    @OptionGroup var force: ForceOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        // Elsewhere the word cuts the power. Not in validate(), for destroy is this command too.
        if force.isOn, patience != .zero {
            throw VMError(
                .usage, "--force", "counts only with --now, for a VM that is protected",
                remedy: "leave it out to ask the guest; --now does not ask")
        }
        try output.list(.stop) { results in
            // All are stopped at the same time, and reported one after the other.
            try targets.forEach(results, begin, holding: Stopping.descriptors) { stop in
                let outcome = try stop.outcome?.value.get()
                outcome?.leftBehind.forEach(Message.error)
                let report = StopReport(stop.name, steps: stop.steps, outcome: outcome, patience: patience)
                output.print(report, among: results)
            }
        }
    }

    private var patience: Duration { now ? .zero : timeout ?? .seconds(30) }

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
        if patience == .zero, !steps.isEmpty { try vm.refuseProtected("stop --now", force: force.isOn) }
        let outcome = dryRun.isOn ? nil : Background { Result { () throws(VMError) in try stopping.stop() } }
        return Begun(name: vm.name, steps: steps, outcome: outcome)
    }
}

/// `kvmctl destroy`: `stop --now`, as virsh calls it.
struct Destroy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", _superCommandName: Root.name,
        abstract: "Stop VMs without asking the guest: stop --now. It removes nothing.",
        shouldDisplay: false)

    @OptionGroup var stop: Stop

    func validate() throws {
        if stop.timeout != nil { throw ValidationError("destroy does not wait for the guest; stop --timeout does") }
    }

    func run() throws {
        // In other tools the word means removal.
        Message.note("destroy is stop --now: the VM's files and disks stay; kvmctl rm removes them")
        var stop = stop
        stop.now = true
        try stop.run()
    }
}
