import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl adopt`.
struct Adopt: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt", _superCommandName: Root.name,
        abstract: "Bring params files of 2010 up to date, or take over a QEMU that runs.",
        discussion: """
            `kvmctl adopt VM` adds the lines to a file that fix what `create` would have fixed: UUID, MACs and the \
            versioned board, where the file leaves them to be derived; and with the UUID its name. The VM keeps those that it has. A file that has \
            only keys of 2010 gets the board of 2010, pc.

            `kvmctl adopt PID [NAME]` takes over a QEMU that was started by hand or by a script, without a restart: it \
            writes the params file that its command line comes to, where `create` would, and gives it the VM's lock \
            through its QMP socket. What the file can't say is named. Until its restart it has no console, agent, logs \
            or events of kvmctl's.
            """)

    @Argument(
        help: ArgumentHelp(
            "The VMs; or the pid of a QEMU, and what to call it or where to make it.", valueName: "vm or pid"),
        completion: .vm)
    var words: [String] = []

    @Flag(help: "All VMs: those under the roots, and all others that run.")
    var all = false

    @Option(
        help: "The name of the VM that a QEMU becomes; default: that of its place, or its own.",
        transform: OptionValue.name)
    var name: VMName?

    @Flag(
        name: .customLong("file-only"),
        help: "Only write the file for the next start of a QEMU, which runs on as it is.")
    var fileOnly = false

    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try targets.validate()
        guard pid != nil else {
            guard name == nil, !fileOnly else { throw ValidationError("--name and --file-only go with a pid") }
            return
        }
        if words.count > 2 { throw ValidationError("a pid takes one name or place") }
    }

    func run() throws {
        let context = PlanningContext(try Site.current, trust: try trust.trust(), keepsProbes: !dryRun.isOn)
        try output.list(.adopt) { results in
            if let pid {
                // One that changes nothing waits for none.
                if dryRun.isOn { return try adopt(pid, results, context) }
                return try context.site.adoptingAlone { () throws(VMError) in try adopt(pid, results, context) }
            }
            try targets.forEach(results) { vm in
                try vm.refuseAnothers()
                let updated = try vm.updateFile(in: context, dryRun: dryRun.isOn)
                updated.notices.forEach { Message.note("\(vm.name): \($0)") }
                output.print(
                    AdoptReport(vm.name, file: vm.file, updated, isDryRun: dryRun.isOn), among: results)
            }
        }
    }

    private func adopt(_ pid: Int32, _ results: VMResults, _ context: PlanningContext) throws(VMError) {
        do throws(VMError) {
            let adopting = try Site.current.adopting(
                pid, at: words.count > 1 ? words[1] : nil, name: name, in: context)
            let obstacle = fileOnly ? nil : adopting.obstacle
            adopting.notices.forEach { Message.note("\(adopting.vm.name): \($0)") }
            let isShown = dryRun.isOn || obstacle != nil
            if isShown {
                try adopting.check()
            } else if fileOnly {
                try adopting.writeFile()
            } else {
                try adopting.adopt()
            }
            output.print(
                AdoptReport(
                    adopting.vm.name, file: adopting.vm.file, pid: pid, adopting.machine,
                    isHeld: !fileOnly && obstacle == nil, isDryRun: isShown), among: results)
            if let obstacle { throw obstacle }
        } catch {
            results.fail(words[0], error)
            throw error
        }
    }

    /// No VM's name that is a number is meant: its path is needed then.
    private var pid: Int32? { words.first.flatMap { Int32($0) }.flatMap { $0 > 0 ? $0 : nil } }

    private var targets: Targets {
        var targets = Targets()
        (targets.vms, targets.all) = (words, all)
        return targets
    }
}
