import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl adopt`.
struct Adopt: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt", _superCommandName: Root.name,
        abstract: "Bring params files of 2010 up to date.",
        discussion: """
            Adds the lines to a file that `create` would have written: NAME, UUID, MACs and the versioned board, where \
            the file leaves them to be derived. The VM keeps those that it has. A file that has only keys of 2010 gets \
            the board of 2010, pc. Each line is explained; nothing else in the file changes.
            """)

    @OptionGroup var targets: Targets
    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let context = PlanningContext(try Site.current, trust: try trust.trust(), keepsProbes: !dryRun.isOn)
        try output.list(.adopt) { results in
            try targets.forEach(results) { vm in
                try vm.refuseAnothers()
                let updated = try vm.updateFile(in: context, dryRun: dryRun.isOn)
                updated.notices.forEach { Message.note("\(vm.name): \($0)") }
                output.print(
                    AdoptReport(vm.name, file: vm.file, updated, isDryRun: dryRun.isOn), among: results)
            }
        }
    }
}
