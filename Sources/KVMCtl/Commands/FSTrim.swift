import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl fstrim`.
struct FSTrim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fstrim", _superCommandName: Root.name,
        abstract: "Trim the file systems of guests: give the host back what they don't use.",
        discussion: """
            The guest agent has the guest discard the blocks that its file systems don't use. The files of its disks \
            then take that much less of the host's space. With --all, the VMs that run.
            """)

    @OptionGroup var targets: RunningTargets
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.fstrim) { results in
            try targets.forEach(results) { vm in
                try vm.refuseAnothers()
                let trims = try vm.trimFileSystems(dryRun: dryRun.isOn)
                output.print(FSTrimReport(vm.name, trims), among: results)
                if let problem = trims?.problem(of: vm.name) { throw problem }
            }
        }
    }
}
