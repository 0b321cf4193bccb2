import ArgumentParser
import Glibc
import VMCore
import VMLife
import VMReports

/// `kvmctl explain`.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", _superCommandName: Root.name,
        abstract: "Print every QEMU argument of a VM, and where it comes from.")

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Flag(name: .shortAndLong, help: "Print what every VM has, too.")
    var verbose = false

    @Option(help: "Print only what comes from this key, such as DISK0 or MEMORY.", transform: OptionValue.key)
    var only: KeyName?

    @Flag(help: "Print a command for bash that runs this QEMU by hand, without kvmctl.")
    var shell = false

    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if shell, verbose || only != nil || output.json {
            throw ValidationError("--shell excludes --verbose, --only and --json")
        }
        if shell, trust.owner {
            throw ValidationError(
                "--shell excludes --trust-owner: what is pasted runs with the rights of who pastes it")
        }
    }

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try trust.trust())
        let machine = try site.find(vm, in: context)
        if shell { return try printByHand(machine, in: context) }
        let plan = try machine.starting(in: context).plan(to: .show(isRunning: true))
        let shown: ArgumentsReport.Selection = only.map { .only($0) } ?? (verbose ? .all : .own)
        let report = ArgumentsReport(plan, shown)
        if let only, report.isEmpty {
            throw VMError(
                .notFound, "\(only)", "nothing on QEMU's command line of \(plan.name) comes from it",
                remedy: "see all of it: \(command: "kvmctl explain --verbose \(plan.name)")")
        }
        output.print(report)
    }

    private func printByHand(_ machine: Machine, in context: PlanningContext) throws {
        let directory = HandStart.directory(of: machine.name)
        var options = StartOptions(foreground: true)
        options.handDirectory = directory
        let starting = try machine.starting(options, in: context)
        // By hand it would write to what VMs stand on.
        try starting.refuseTemplate()
        let plan = try starting.plan(to: .show(isRunning: true))
        print(try HandStart(plan, in: directory, uid: geteuid()).text)
        let rights = geteuid() == 0 ? "as root, with all its rights" : "with your rights"
        Message.note("QEMU then runs \(rights), and kvmctl does not know of it; its sockets are in \(directory)")
        plan.notices.forEach(Message.note)
    }
}
