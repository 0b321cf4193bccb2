import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl restart`.
struct Restart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", _superCommandName: Root.name,
        abstract: "Stop VMs, as stop does, and start them again.",
        discussion: """
            A changed vm.params counts. If it has a fault that would keep the VM from starting, the VM is not stopped. \
            A VM that does not run is started; one that is suspended is refused. With --all, the VMs that run.
            """, aliases: ["reboot"])

    @OptionGroup var targets: RunningTargets

    @Option(help: "How long the guest may take to shut down. Default: 30s.", transform: OptionValue.duration)
    var timeout = Duration.seconds(30)

    @Flag(name: [.long, .customLong("now")], help: "Don't ask the guest: like cutting the power.")
    var hard = false

    @OptionGroup var force: ForceOption
    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if force.isOn, patience != .zero {
            throw ValidationError("--force counts only with --hard, for a VM that is protected")
        }
    }

    func run() throws {
        let context = PlanningContext(try Site.current, trust: try trust.trust(), keepsProbes: !dryRun.isOn)
        try output.list(.restart) { results in
            // All are stopped at the same time, and started one after the other.
            try targets.forEach(results, in: context, { try begin($0, in: context) }, holding: Stopping.descriptors + 1)
            { output.print(try finish($0, in: context), among: results) }
        }
    }

    private var patience: Duration { hard ? .zero : timeout }

    /// A restart in progress; without an outcome if it is a dry run.
    private struct Begun {
        var vm: Machine
        var steps: [Stopping.Step]
        var plan: LaunchPlan
        var outcome: Background<Result<Stopping.Outcome, VMError>>?
        /// Held until it runs again.
        var announcement: ComingBack?
    }

    /// Begins to stop a VM that could start again.
    private func begin(_ vm: Machine, in context: PlanningContext) throws -> Begun {
        let mayRun = try vm.mayRun()
        try vm.refuseAnothers()
        let starting = try vm.starting(in: context)
        try starting.refuseTemplate()
        if !mayRun { try vm.refuseRestartingSuspended() }
        let plan = try starting.plan(to: .show(isRunning: mayRun))
        let stopping = vm.stopping(timeout: patience)
        let steps = try stopping.steps()
        if patience == .zero, !steps.isEmpty { try vm.refuseProtected("restart --hard", force: force.isOn) }
        let announcement = dryRun.isOn || steps.isEmpty ? nil : vm.announceRestart()
        let outcome = dryRun.isOn ? nil : Background { Result { () throws(VMError) in try stopping.stop() } }
        return Begun(vm: vm, steps: steps, plan: plan, outcome: outcome, announcement: announcement)
    }

    private func finish(_ begun: Begun, in context: PlanningContext) throws(VMError) -> RestartReport {
        let vm = begun.vm
        defer { withExtendedLifetime(begun.announcement) {} }
        let outcome = try begun.outcome?.value.get()
        let stop = StopReport(vm.name, steps: begun.steps, outcome: outcome, patience: patience)
        guard let outcome else { return RestartReport(stop, PlanReport(begun.plan)) }
        outcome.leftBehind.forEach(Message.error)
        do throws(VMError) {
            let started = try vm.startSayingNotices(StartOptions(), in: context)
            return RestartReport(stop, StartReport(vm.name, started))
        } catch {
            guard outcome.step != .alreadyStopped else { throw error }
            var failure = error
            failure.details.append("\(vm.name) was stopped, and does not run now")
            throw failure
        }
    }
}
