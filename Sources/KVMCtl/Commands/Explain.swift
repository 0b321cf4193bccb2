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

    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try trust.trust())
        let plan = try site.find(vm, in: context).starting(in: context).plan(to: .show(isRunning: true))
        output.print(ArgumentsReport(plan))
    }
}
