import ArgumentParser
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl start`.
struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", _superCommandName: Root.name,
        abstract: "Start VMs.",
        discussion: """
            Starting a VM that already runs succeeds, and says so; with --cdrom, which counts only at a start, it fails. A \
            suspended one goes on where `kvmctl suspend` stopped it. A template (TEMPLATE=yes) is not started; --all leaves it out.
            """)

    @OptionGroup var targets: Targets

    @Option(help: "An ISO for this start; the VM boots from it once.", completion: .file(extensions: ["iso"]))
    var cdrom: String?

    @Flag(help: "Start a suspended VM anew: what it had in memory is lost, as if its power had been cut.")
    var discardSuspended = false

    @Flag(help: "With --discard-suspended: also for a VM that is protected (PROTECT=yes).")
    var force = false

    @Flag(help: "Turn into QEMU, for systemd and CI; ends when the VM does.")
    var foreground = false

    @Flag(help: "Connect to the console at once, from its first line; one VM.")
    var console = false

    @Option(help: .escape, transform: OptionValue.escape)
    var escape: ConsoleEscape?

    @Option(
        help: "How long QEMU may take to become ready. Default: 60s. Not with --foreground: nobody is left to wait.",
        transform: OptionValue.duration)
    var timeout: Duration?

    @Flag(help: "Then wait until the guests are up, as kvmctl wait does, for up to --wait-timeout.")
    var wait = false

    @Option(help: "How long --wait waits. Default: 5m.", transform: OptionValue.duration)
    var waitTimeout: Duration?

    @Flag(help: "Print how long each stage took.")
    var timings = false

    @Flag(help: .trustOwner)
    var trustOwner = false

    @Flag(help: .dryRun)
    var dryRun = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if cdrom == "" { throw ValidationError("--cdrom takes the path of an ISO") }
        if foreground, output.json, !dryRun { throw ValidationError("--json and --foreground exclude each other") }
        if foreground, timings { throw ValidationError("--timings and --foreground exclude each other") }
        if foreground, timeout != nil { throw ValidationError("--timeout and --foreground exclude each other") }
        if foreground, targets.all || targets.vms.count != 1 { throw ValidationError("--foreground takes one VM") }
        if console, targets.all || targets.vms.count != 1 { throw ValidationError("--console takes one VM") }
        if console, foreground || output.json {
            throw ValidationError("--console excludes --foreground and --json")
        }
        if wait, foreground || console || dryRun {
            throw ValidationError("--wait excludes --foreground, --console and --dry-run")
        }
        if waitTimeout != nil, !wait { throw ValidationError("--wait-timeout is for --wait") }
        if force, !discardSuspended { throw ValidationError("--force is for --discard-suspended") }
        if escape != nil, !console { throw ValidationError("--escape is for --console") }
    }

    func run() throws {
        var options = StartOptions(
            cdrom: cdrom.map(absolutePath), foreground: foreground, timeout: timeout ?? .seconds(60))
        options.discardsSuspended = discardSuspended
        let context = PlanningContext(
            try Site.current, trust: try Site.current.trust(owner: trustOwner), keepsProbes: !dryRun)
        let leaving = console ? try ConsoleEscape.chosen(escape) : nil
        if wait { try refuseTime(in: targets.vms) }
        let ended = EndedWaits()
        try output.list(dryRun ? .plan : .start) { results in
            // All are started before the first is waited for.
            let begin = { (vm: Machine) throws -> GuestWait? in
                if targets.all, try vm.isTemplateAtRest(in: context) {
                    Message.note("\(vm.name): is a template, and is not started")
                    return nil
                }
                if discardSuspended, try vm.isSuspended() {
                    try vm.refuseProtected("start --discard-suspended", force: force)
                }
                if dryRun {
                    if try vm.mayRun() { try vm.refuseRunning(options) }
                    let starting = try vm.starting(options, in: context)
                    try starting.refuseTemplate()
                    let plan = try starting.plan(to: .show(isRunning: vm.mayRun()))
                    output.print(PlanReport(plan), among: results)
                    starting.notices(of: plan).forEach { Message.note($0, about: vm.name) }
                    return nil
                }
                if foreground {
                    // What is wrong with the file is said on this terminal.
                    let service = try vm.starting(options, in: context).params.service
                    if ServiceManager.startedThisProcess {
                        vm.waitForEarlier(service) { Message.note("\(vm.name): \($0)") }
                    }
                    if let end = try Foreground.leaveTerminal() {
                        try? vm.keepCrash(end.ofQEMU)
                        end.failure(of: vm).map(Message.error)
                        end.repeatHere()
                    }
                }
                try start(vm, options, in: context, adding: results, thenConsoleUntil: leaving)
                guard wait else { return nil }
                // That it was started is known now: who ends the wait has to know it too.
                fflush(nil)
                return GuestWait(
                    vm, for: Waiting.Wish([.boot]), by: Deadline(in: waitTimeout ?? .seconds(300)), endingIn: ended)
            }
            try targets.forEach(
                results, in: context, begin,
                next: { open in open.firstIndex { $0 == nil } ?? ended.next(open.compactMap(\.self)) },
                then: { try $0?.report(to: output, results, as: "wait") })
        }
    }

    /// Refuses a time after `--wait`, which takes none, before anything is started: it is no VM's name.
    private func refuseTime(in words: [String]) throws(VMError) {
        for word in words where (try? OptionValue.duration(word)) != nil {
            do throws(VMError) { _ = try Site.current.find(word) } catch  where error.code == .notFound {
                throw VMError(
                    .usage, "--wait", "takes no time, and there is no VM \(word)",
                    remedy: "say it with --wait-timeout \(word)")
            }
        }
    }

    private func start(
        _ vm: Machine, _ options: StartOptions, in context: PlanningContext, adding results: VMResults,
        thenConsoleUntil leaving: ConsoleEscape?
    ) throws {
        let stopwatch = Stopwatch()
        var clock: GuestClock?
        let outcome = try vm.startSayingNotices(options, in: context, stopwatch: stopwatch) { clock = $0 }
        if timings {
            stopwatch.laps.forEach { Message.note("timing: \($0.stage.rawValue) \($0.spent.milliseconds) ms") }
        }
        let report = StartReport(
            vm.name, outcome, details: details(of: vm, outcome), timings: timings ? stopwatch.laps : nil, clock: clock)
        output.print(report, among: results)
        guard let leaving else { return }
        let isNew = if case .started = outcome { true } else { false }
        fflush(nil)
        try ConsoleView(of: vm, escape: leaving).show(fromStart: isNew)
    }

    /// What is known about a VM that was already running. Looking takes time, so it is done only for programs.
    private func details(of vm: Machine, _ outcome: Starting.Outcome) -> VMEntry? {
        guard case .alreadyRunning = outcome, !output.format.isForPeople else { return nil }
        return vm.entry()
    }
}
