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
            `kvmctl thaw`. If that fails, takes more than 60 s or is interrupted, the guest is thawed. With --all, the VMs \
            that run.
            """)

    @OptionGroup var vms: RunningVMs

    func run() throws { try vms.bringFileSystems(to: .frozen) }
}

/// `kvmctl thaw`.
struct Thaw: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thaw", _superCommandName: Root.name,
        abstract: "Thaw the file systems of guests, so that they can write again.",
        discussion: "Undoes `kvmctl freeze`. With --all, the VMs that run.")

    @OptionGroup var vms: RunningVMs

    func run() throws { try vms.bringFileSystems(to: .thawed) }
}

extension RunningVMs {
    fileprivate func bringFileSystems(to wanted: FreezeState) throws {
        try each(.freeze) { vm, dryRun in
            let (before, changed) = try vm.bringFileSystems(to: wanted, dryRun: dryRun) {
                Message.note("\(vm.name): \($0)")
            }
            return .freeze(vm.name, to: wanted, from: before, changed: changed, dryRun: dryRun)
        }
    }
}
