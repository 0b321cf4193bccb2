import ArgumentParser
import SystemPackage
import VMCore
import VMLife
import VMReports

/// `kvmctl rm`.
struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", _superCommandName: Root.name,
        abstract: "Remove VMs that don't run: the params file and the logs; the disks only if asked.",
        aliases: ["delete", "undefine"])

    @OptionGroup var targets: Targets

    @Flag(help: "Also remove the disks that are in the VM's directory and that no other VM uses.")
    var disks = false

    @Flag(
        name: .shortAndLong,
        help: "Don't ask. Without a terminal, --all and --disks of several VMs need this: there is no undo.")
    var yes = false

    @Flag(help: "Also remove a VM that is protected (PROTECT=yes), or suspended: what it had in memory is lost.")
    var force = false

    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let asked = try context()
        // Looked at again after the question, which may have been open for a long time.
        lazy var now = Result { try context() }
        try output.list(.remove) { results in
            // Those that stand on others go first.
            try targets.forEach(
                results, inOrder: asked.orderOfRemoval, { try wish($0, in: asked) }, between: confirm
            ) { wish in
                let removing = try plan(wish.vm, in: asks ? now.get() : asked)
                // Planned again: keeping all files open meanwhile would take a descriptor for each.
                if let seen = wish.files, !Set(removing.gone).isSubset(of: seen) {
                    throw VMError(
                        .busy, wish.vm.name.description, "its files have changed since you were asked",
                        remedy: "nothing of it was removed; look at its files with --dry-run, and try again")
                }
                if dryRun.isOn { asked.takeAsRemoved(wish.vm) } else { try removing.remove() }
                noteUnit(of: wish.vm)
                // Of all VMs none is left to name another.
                for place in targets.all ? [] : asked.mentions(of: wish.vm) {
                    Message.note("START_AFTER still names it: \(place)", about: wish.vm.name)
                }
                let report = RemoveReport(
                    wish.vm.name, isDryRun: dryRun.isOn, removed: removing.gone, kept: removing.kept)
                output.print(report, among: results)
            }
        }
    }

    /// A link to the unit of a VM that is gone would make systemd try to start it at each boot.
    private func noteUnit(of vm: Machine) {
        guard (try? Site.current.enabledNames().contains(vm.name)) == true else { return }
        Message.note("\(vm.name): systemd would still start it with the host, until kvmctl disable \(vm.name)")
    }

    /// A VM to be removed.
    private struct Wish {
        var vm: Machine
        /// The files that the question lists; nil if none is asked.
        var files: Set<FilePath>?
    }

    /// Many VMs, or the disks of several. A single VM was named on purpose, and a dry run removes nothing.
    private var asks: Bool { (targets.all || disks && targets.vms.count > 1) && !yes && !dryRun.isOn }

    private func context() throws -> PlanningContext {
        PlanningContext(try Site.current, trust: try trust.trust())
    }

    private func wish(_ vm: Machine, in context: PlanningContext) throws -> Wish {
        guard asks else { return Wish(vm: vm) }
        let files = Set(try plan(vm, in: context).gone)
        context.takeAsRemoved(vm)
        return Wish(vm: vm, files: files)
    }

    private func plan(_ vm: Machine, in context: PlanningContext) throws -> Removing {
        try vm.refuseAnothers()
        try vm.refuseProtected("rm", force: force)
        try vm.refuseSuspended("rm", force: force)
        return try vm.removing(disks: disks, in: context)
    }

    private func confirm(_ wishes: [Wish]) throws {
        guard asks else { return }
        let what = "\(wishes.count) \(wishes.count == 1 ? "VM" : "VMs")\(disks ? " with their disks" : "")"
        guard Question.canBeAsked else {
            throw VMError(
                .usage, "rm", "would remove \(what), and can't ask without a terminal",
                remedy: "see what would be removed with --dry-run, then add --yes")
        }
        let lines = wishes.flatMap { wish in
            (wish.files ?? []).map(\.string).sorted().map { "  \(wish.vm.name): \($0)" }
        }
        guard Question.isAnsweredWithYes("Remove \(what)?", about: lines) else {
            throw VMError(.partial, "", "nothing was removed")
        }
    }
}

extension Removing {
    fileprivate var gone: [FilePath] { files + [logs].compactMap(\.self) }
}
