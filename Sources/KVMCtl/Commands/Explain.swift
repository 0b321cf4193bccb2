import ArgumentParser
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

    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try trust.trust())
        let plan = try site.find(vm, in: context).starting(in: context).plan(to: .show(isRunning: true))
        let shown: ArgumentsReport.Selection = only.map { .only($0) } ?? (verbose ? .all : .own)
        let report = ArgumentsReport(plan, shown)
        if let only, report.isEmpty {
            throw VMError(
                .notFound, "\(only)", "nothing on QEMU's command line of \(plan.name) comes from it",
                remedy: "see all of it: \(command: "kvmctl explain --verbose \(plan.name)")")
        }
        output.print(report)
    }
}
