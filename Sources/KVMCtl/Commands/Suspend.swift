import ArgumentParser
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl suspend`.
struct Suspend: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", _superCommandName: Root.name,
        abstract: "Save what VMs have in memory to a file beside their disks, and end them; start goes on from there.",
        discussion: """
            The guest stands still while its memory is written. If that fails, it runs on. The next `kvmctl start` goes \
            on, and sets the guest's clock by its agent, also after the host was rebooted, unless the machine or its \
            disks are others by then: that is refused, with the difference. Several VMs are suspended at the same time. \
            With --all, the VMs that run.
            """)

    @OptionGroup var targets: RunningTargets
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        // Of another account's VM that root runs too.
        let context = PlanningContext(site, trust: try site.trust(owner: geteuid() == 0))
        if !dryRun.isOn { Interruption.note() }
        try output.list(.suspend) { results in
            // All are saved at the same time, and reported one after the other.
            try targets.forEach(results, begin, holding: Suspending.descriptors) { suspend in
                let outcome = try suspend.outcome?.value.get()
                outcome?.leftBehind.forEach(Message.error)
                output.print(SuspendReport(suspend.vm.name, suspend.task, outcome: outcome), among: results)
                if outcome?.size != nil, let obstacle = suspend.vm.obstacleToGoOn(in: context) {
                    let why = obstacle.details.isEmpty ? [obstacle.cause] : obstacle.details
                    Message.note(
                        "its next start will not go on, as its file is now, until that is put back: "
                            + why.joined(separator: "; "), about: suspend.vm.name)
                }
            }
        }
    }

    /// A suspend in progress; without an outcome if there is nothing to do.
    private struct Begun {
        var vm: Machine
        var task: Suspending.Task
        var outcome: Background<Result<Suspending.Outcome, VMError>>?
    }

    private func begin(_ vm: Machine) throws -> Begun {
        try vm.refuseAnothers()
        let suspending = try vm.suspending()
        if dryRun.isOn { return Begun(vm: vm, task: try suspending.task()) }
        let outcome = Background { Result { () throws(VMError) in try suspending.suspend() } }
        return Begun(vm: vm, task: .alreadySuspended, outcome: outcome)
    }
}
