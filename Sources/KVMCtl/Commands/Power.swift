import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl pause`.
struct Pause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", _superCommandName: Root.name,
        abstract: "Pause VMs: halt their processors.",
        discussion: """
            The guest does not notice, and keeps its memory; `kvmctl resume` lets it go on. With --all, the VMs that run.
            """)

    @OptionGroup var vms: RunningVMs

    func run() throws { try vms.turn(.pause) }
}

/// `kvmctl resume`.
struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", _superCommandName: Root.name,
        abstract: "Resume VMs that are paused, or whose guests sleep.",
        discussion: """
            A VM that QEMU itself paused, for lack of space or after an I/O error, goes on with what failed; if it fails \
            again, the VM stays paused. The guest's clock stood still while it was paused: its agent, if it has one, sets it to \
            the host's. With --all, the VMs that run.
            """)

    @OptionGroup var vms: RunningVMs

    func run() throws { try vms.turn(.resume) }
}

/// `kvmctl reset`.
struct Reset: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", _superCommandName: Root.name,
        abstract: "Reset VMs, as their reset buttons would.",
        discussion: """
            The guest is not asked, and loses what it has not written to its disks; `kvmctl restart` asks it. QEMU and \
            the devices stay, so a changed vm.params does not count. With --all, the VMs that run.
            """)

    @OptionGroup var vms: RunningVMs
    @OptionGroup var force: ForceOption

    func run() throws {
        try vms.turn(.reset) { vm in try vm.refuseProtected("reset", force: force.isOn) }
    }
}

/// `kvmctl nmi`.
struct NMI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nmi", _superCommandName: Root.name,
        abstract: "Send VMs a non-maskable interrupt, which reaches even a guest that hangs.",
        discussion: """
            A guest that is set up for that panics and writes its crash dump, such as Linux with the sysctl \
            kernel.unknown_nmi_panic=1; another notes it and goes on. A guest that is paused sees it when it is resumed. \
            With --all, the VMs that run.
            """)

    @OptionGroup var vms: RunningVMs
    @OptionGroup var force: ForceOption

    func run() throws {
        try vms.turn(.nmi) { vm in try vm.refuseProtected("nmi", force: force.isOn) }
    }
}

extension RunningVMs {
    /// - Parameter check: refuses a VM that must not be switched.
    fileprivate func turn(_ button: PowerSwitch, after check: (Machine) throws -> Void = { _ in }) throws {
        try each(.power) { vm, dryRun in
            try check(vm)
            let (before, changed) = try vm.turn(button, dryRun: dryRun)
            let stoodStill = button == .resume && before == .paused && changed && !dryRun
            return .power(
                vm.name, button, from: before, changed: changed, dryRun: dryRun,
                clock: stoodStill ? vm.bringClockUp(since: .pause) : nil)
        }
    }
}
