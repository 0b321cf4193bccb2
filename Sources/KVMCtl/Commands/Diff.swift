import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl diff`.
struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", _superCommandName: Root.name,
        abstract: "Show how running VMs differ from their files.",
        discussion: """
            For each key what the VM runs with, and what its file says by now, which counts from its next start. A CD of \
            `start --cdrom` is named too. A difference is not a failure: the exit code is 0. With --all, the VMs that run.
            """)

    @OptionGroup var targets: RunningTargets
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.diff) { results in
            try targets.forEach(results) { vm in
                let difference = try vm.differenceFromFile()
                output.print(DiffReport(vm.name, file: vm.file, difference), among: results)
            }
        }
    }
}
