import ArgumentParser
import SystemPackage
import VMCore
import VMLife
import VMReports

/// `kvmctl check`.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", _superCommandName: Root.name,
        abstract: "Check whether VMs could start here, and name every problem in their files, disks and bridges.")

    @OptionGroup var targets: Targets
    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let context = PlanningContext(try Site.current, trust: try trust.trust())
        try output.list(.check, failing: CheckReport.failed) { results in
            try targets.forEach(results, in: context) { vm in
                do throws(VMError) {
                    let notices = try notices(of: vm, context)
                    output.print(CheckReport(vm.name, file: vm.file, .passed(notices: notices)), among: results)
                } catch {
                    // It has no file that could be checked.
                    if targets.all, error.condition == .ephemeral { throw error }
                    output.print(CheckReport(vm.name, file: vm.file, .failed(error)), among: results)
                    throw error
                }
            }
        }
    }

    private func notices(of vm: Machine, _ context: PlanningContext) throws(VMError) -> [String] {
        let isRunning = try vm.mayRun()
        let starting = try vm.starting(in: context)
        let plan = try starting.plan(to: .check(isRunning: isRunning))
        let unchecked =
            starting.params.qemuArguments.isEmpty ? [] : ["QEMUARGn was not checked: only QEMU can judge it"]
        return starting.notices(of: plan) + plan.derivedValues + unchecked
    }
}
