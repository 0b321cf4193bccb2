import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl rename`.
struct Rename: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", _superCommandName: Root.name,
        abstract: "Give a VM that does not run another name.",
        discussion: """
            It keeps its UUID, its MACs and its logs. A VM's directory under /vms (KVMCTL_VMS) that has its name is \
            renamed too; elsewhere only NAME in its params file changes.
            """)

    @Argument(help: "The VM: a name, or the path of its params file.", completion: .vm)
    var vm: String

    @Argument(help: "Its new name.", transform: OptionValue.name)
    var new: VMName

    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.rename) { results in
            let site = try Site.current
            let vm = try site.find(vm)
            try vm.refuseAnothers()
            let context = PlanningContext(site, trust: try trust.trust())
            let renaming = try vm.renaming(to: new, in: context)
            let failures = dryRun.isOn ? [] : try renaming.rename()
            output.print(
                RenameReport(vm.name, to: new, file: renaming.newFile, isDryRun: dryRun.isOn, steps: renaming.steps),
                among: results)
            for failure in failures { Message.note("\(failure)", about: new) }
            for place in renaming.mentions {
                Message.note("START_AFTER still names \(vm.name): \(place)", about: new)
            }
        }
    }
}
