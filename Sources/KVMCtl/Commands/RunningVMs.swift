import ArgumentParser
import VMLife
import VMReports

/// What a command takes that does something to VMs that run, and says for each in a line what it did.
struct RunningVMs: ParsableArguments {
    @OptionGroup var targets: RunningTargets
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    /// - Parameter body: does it, or finds out what it would do if it is a dry run.
    func each(_ schema: Schema, _ body: (_ vm: Machine, _ dryRun: Bool) throws -> DeedReport) throws {
        try output.list(schema) { results in
            try targets.forEach(results) { vm in
                try vm.refuseAnothers()
                let report = try body(vm, dryRun.isOn)
                output.print(report, among: results)
                if let note = report.note { Message.note(note, about: vm.name) }
                if let problem = report.problem { throw problem }
            }
        }
    }
}
