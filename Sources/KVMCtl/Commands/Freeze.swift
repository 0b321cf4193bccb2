import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl freeze`.
struct Freeze: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freeze", _superCommandName: Root.name,
        abstract: "Freeze the file systems of guests, for a consistent copy of their disks.",
        discussion: """
            The guest agent has the guest write what it has cached, and hold up all further writes until \
            `kvmctl thaw`. If that fails or takes more than 60 s, the guest is thawed. With --all, the VMs that run.
            """)

    @OptionGroup var guests: GuestsToFreeze

    func run() throws { try guests.bring(to: .frozen) }
}

/// `kvmctl thaw`.
struct Thaw: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thaw", _superCommandName: Root.name,
        abstract: "Thaw the file systems of guests, so that they can write again.",
        discussion: "Undoes `kvmctl freeze`. With --all, the VMs that run.")

    @OptionGroup var guests: GuestsToFreeze

    func run() throws { try guests.bring(to: .thawed) }
}

/// What both commands take.
struct GuestsToFreeze: ParsableArguments {
    @OptionGroup var targets: RunningTargets
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func bring(to wanted: FreezeState) throws {
        try output.list(.freeze) { results in
            try targets.forEach(results) { vm in
                try vm.refuseAnothers()
                let (before, changed) = try vm.bringFileSystems(to: wanted, dryRun: dryRun.isOn)
                let report = FreezeReport(vm.name, to: wanted, from: before, changed: changed, dryRun: dryRun.isOn)
                output.print(report, among: results)
                if wanted == .frozen, changed == 0 {
                    Message.note("\(vm.name): the guest has no file system that its agent could freeze")
                }
            }
        }
    }
}
