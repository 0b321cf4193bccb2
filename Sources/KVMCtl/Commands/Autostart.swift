import ArgumentParser
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl autostart`.
struct Autostart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "autostart", _superCommandName: Root.name,
        abstract: "Start the VMs that start with the host, where systemd does not do it.",
        subcommands: [AutostartRun.self])
}

/// `kvmctl autostart run`.
struct AutostartRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Start the VMs whose files say AUTOSTART=yes, and those that are enabled.",
        discussion: """
            For rc.local, or a line of cron that begins with @reboot. Each VM starts after those that its START_AFTER \
            names, once their guest agents answer, or a minute after their start; AUTOSTART_DELAY is waited for before \
            it. One that fails does not keep the others from starting.
            """)

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust(), keepsProbes: !dryRun.isOn)
        let (vms, unseen) = try site.autostarting(in: context)
        unseen.merged.forEach(Message.error)
        var failures = unseen
        var failed: [VMName] = []
        let names = vms.map(\.0.name)
        try output.list(dryRun.isOn ? .plan : .start) { results in
            for (number, (vm, service)) in vms.enumerated() {
                results.turn(to: number)
                let earlier = service.after?.value ?? []
                for name in earlier where failed.contains(name) {
                    Message.note("\(vm.name): is started, though \(name), which it starts after, was not")
                }
                let awaited = dryRun.isOn ? earlier.filter { names.contains($0) || site.runs($0) } : []
                do { try start(vm, service, waitingFor: awaited, in: context, adding: results) } catch let error
                    as VMError
                {
                    failed.append(vm.name)
                    results.fail(vm.name.description, error)
                    Message.error(error)
                    failures.append(error)
                }
            }
        }
        if let failure = SomeFailed(failures) { throw failure }
    }

    private func start(
        _ vm: Machine, _ service: ServiceParams, waitingFor awaited: [VMName], in context: PlanningContext,
        adding results: VMResults
    ) throws {
        let delay = service.delay?.value ?? .zero
        if dryRun.isOn {
            let names = awaited.map(\.description).joined(separator: ", ")
            if !names.isEmpty { Message.note("\(vm.name): would wait until the guest agents of \(names) answer") }
            if delay > .zero { Message.note("\(vm.name): would wait for \(delay.components.seconds)s") }
            let starting = try vm.starting(in: context)
            try starting.refuseTemplate()
            let plan = try starting.plan(to: .show(isRunning: vm.mayRun()))
            return output.print(PlanReport(plan), among: results)
        }
        if try !vm.mayRun() {
            vm.waitForEarlier(service) { Message.note("\(vm.name): \($0)") }
            if delay > .zero { pause(delay) }
        }
        output.print(StartReport(vm.name, try vm.startSayingNotices(StartOptions(), in: context)), among: results)
    }
}
