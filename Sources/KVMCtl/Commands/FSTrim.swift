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

    @OptionGroup var vms: RunningVMs

    func run() throws {
        try vms.each(.fstrim) { vm, dryRun in
            let trims = try vm.trimFileSystems(dryRun: dryRun)
            return .trim(vm.name, trims, problem: trims?.problem(of: vm.name))
        }
    }
}
