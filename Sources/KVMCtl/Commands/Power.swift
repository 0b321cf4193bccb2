import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl pause`.
struct Pause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", _superCommandName: Root.name,
        abstract: "Pause VMs: halt their processors.",
        discussion: """
            The guest does not notice, and keeps its memory; `kvmctl resume` lets it go on. With --all, the VMs that run.
            """)

    @OptionGroup var machines: MachinesToSwitch

    func run() throws { try machines.turn(.pause) }
}

/// `kvmctl resume`.
struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", _superCommandName: Root.name,
        abstract: "Resume VMs that are paused, or whose guests sleep.",
        discussion: """
            A VM that QEMU itself paused, for lack of space or after an I/O error, goes on with what failed; if it fails \
            again, the VM stays paused. The guest's clock stood still while it was paused: its agent, if it has one, sets it to \
            the host's. With --all, the VMs that run.
            """)

    @OptionGroup var machines: MachinesToSwitch

    func run() throws { try machines.turn(.resume) }
}

/// `kvmctl reset`.
struct Reset: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", _superCommandName: Root.name,
        abstract: "Reset VMs, as their reset buttons would.",
        discussion: """
            The guest is not asked, and loses what it has not written to its disks; `kvmctl restart` asks it. QEMU and \
            the devices stay, so a changed vm.params does not count. With --all, the VMs that run.
            """)

    @OptionGroup var machines: MachinesToSwitch
    @OptionGroup var force: ForceOption

    func run() throws {
        try machines.turn(.reset) { vm in try vm.refuseProtected("reset", force: force.isOn) }
    }
}

/// What these commands take.
struct MachinesToSwitch: ParsableArguments {
    @OptionGroup var targets: RunningTargets
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    /// - Parameter check: refuses a VM that must not be switched.
    func turn(_ button: PowerSwitch, after check: (Machine) throws -> Void = { _ in }) throws {
        try output.list(.power) { results in
            try targets.forEach(results) { vm in
                try vm.refuseAnothers()
                try check(vm)
                let (before, changed) = try vm.turn(button, dryRun: dryRun.isOn)
                let stoodStill = button == .resume && before == .paused && changed && !dryRun.isOn
                let clock = stoodStill ? vm.bringClockUp(since: .pause) : nil
                if let notice = clock?.notice { Message.note(notice, about: vm.name) }
                let report = PowerReport(
                    vm.name, button, from: before, changed: changed, dryRun: dryRun.isOn, clock: clock)
                output.print(report, among: results)
            }
        }
    }
}
