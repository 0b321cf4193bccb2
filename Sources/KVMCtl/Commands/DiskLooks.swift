import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl disk list`.
struct DiskList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the disks of VMs, with what they take on the host and what they stand on.",
        discussion: """
            Of a running VM, the disks that it has; of others, those of their files. SIZE is what the guest sees, ON DISK \
            what the image takes.
            """, aliases: ["ls"])

    @Argument(help: "Only the disks of these VMs: names, or paths of params files.", completion: .vm)
    var vms: [String] = []

    @Flag(help: "The disks of all VMs, as without it.")
    var all = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if all, !vms.isEmpty { throw ValidationError("--all takes no names") }
    }

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust())
        var disks: [DiskLook] = []
        let failures = VMResults(.disk)
        defer { output.print(DiskListReport(disks, failures: failures)) }
        try Targets(vms).forEach(failures, in: context) { vm in
            try vm.refuseAnothers()
            disks += try vm.namedDisks().map { $0.look() }
        }
        let unseen = disks.flatMap(\.obstacles)
        unseen.forEach(Message.error)
        if let failed = SomeFailed(unseen) { throw failed }
    }
}

/// `kvmctl disk info`.
struct DiskInfo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show what a disk is: its sizes, its holes, what it stands on, and who uses it.",
        discussion: DiskWords.discussion)

    @OptionGroup var words: DiskWords
    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust())
        try output.list(.disk) { results in
            var unseen: [VMError] = []
            try words.forEach(in: context, results) { number, disk throws(VMError) in
                let look = context.look(closelyAt: disk)
                if output.format.isForPeople, number > 0 { print("") }
                output.print(DiskReport(look), among: results)
                unseen += look.obstacles
            }
            unseen.forEach(Message.error)
            if let failed = SomeFailed(unseen) { throw failed }
        }
    }
}

/// The disks that a command looks at.
struct DiskWords: ParsableArguments {
    @Argument(
        help: "A VM, whose disks are meant; or, with a `/`, the path of an image.", completion: .vm)
    var what: String

    @Argument(
        help: "One of the VM's disks, as vm.params calls it: DISK0.",
        transform: { try OptionValue.device($0, of: .disk) })
    var disk: KeyName?

    /// How the words are read, for the help of the commands.
    static let discussion = """
        A word with a `/` is the path of an image, unless it leads to a directory or ends in .params, or a DISKn follows: \
        then it is a VM's.
        """

    func validate() throws {
        if what.isEmpty { throw ValidationError("name a VM, or an image") }
    }

    /// Does something about each disk, goes on after a failure, and reports every failure.
    func forEach(
        in context: PlanningContext, _ results: VMResults, _ body: (Int, NamedDisk) throws(VMError) -> Void
    ) throws {
        var failures: [VMError] = []
        let disks: [NamedDisk]
        do throws(VMError) { disks = try context.disks(what, disk) } catch {
            results.fail(what, error)
            throw error
        }
        if disks.isEmpty { Message.note("\(what): it has no disks") }
        for (number, disk) in disks.enumerated() {
            results.turn(to: number)
            do throws(VMError) { try body(number, disk) } catch {
                // One that was named by its path is no VM's.
                results.fail(disk.vm?.description, error)
                if disks.count == 1 { throw error }
                Message.error(error)
                failures.append(error)
            }
        }
        if let failed = SomeFailed(failures) { throw failed }
    }
}
