import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl enable`.
struct Enable: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", _superCommandName: Root.name,
        abstract: "Have systemd start VMs with the host, and shut them down with it.",
        discussion: """
            Enables kvmctl@NAME.service, for a user in the user's own manager, and writes what START_AFTER, \
            AUTOSTART_DELAY and LIMIT_… say into a drop-in file of it. Run it again after changing them.
            """)

    @OptionGroup var targets: Targets

    @Flag(help: "Also start them now.")
    var now = false

    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let context = PlanningContext(try Site.current, trust: try trust.trust())
        try output.list(.enable) { results in
            try targets.forEach(results, in: context) { vm in
                let enabling = try vm.enabling(now: now, in: context)
                if dryRun.isOn { try enabling.refuseUninstalled() } else { try enabling.carryOut() }
                output.print(
                    EnableReport(
                        vm.name, enabled: true, steps: enabling.steps, dropIn: enabling.dropIn, dryRun: dryRun.isOn),
                    among: results)
            }
        }
    }
}

/// `kvmctl disable`.
struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", _superCommandName: Root.name,
        abstract: "Have systemd no longer start VMs with the host.",
        discussion: "It also takes the name of a VM that is gone, if its unit is still enabled.")

    @OptionGroup var targets: Targets

    @Flag(help: "Also stop them now.")
    var now = false

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.enable) { results in
            let site = try Site.current
            try targets.forEach(results, orElse: site.machineOfUnit) { vm in
                let disabling = try vm.disabling(now: now)
                if vm.saysAutostart {
                    Message.note("its file says AUTOSTART=yes, for kvmctl autostart run", about: vm.name)
                }
                if !dryRun.isOn { try disabling.carryOut() }
                output.print(
                    EnableReport(vm.name, enabled: false, steps: disabling.steps, dropIn: nil, dryRun: dryRun.isOn),
                    among: results)
            }
        }
    }
}
