import ArgumentParser
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl warm`.
struct WarmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "warm", _superCommandName: Root.name,
        abstract: "Save booted guests, from which run --warm goes on; list and remove them.",
        discussion: """
            A warm image is a guest that was booted without its NICs, halted and saved, with what it had written to its disks. \
            It is kept in /var/cache/kvmctl/warm, for users in ~/.cache/kvmctl/warm, and made anew when anything that it \
            depends on has changed: the VM's file, its disks, kernel and initial RAM disk, QEMU, the host's processor, \
            kvmctl. The least recently used are removed when all of them take more than WARM_CACHE of kvmctl.conf (4G).
            """,
        subcommands: [WarmMake.self, WarmList.self, WarmRemove.self], defaultSubcommand: WarmMake.self)
}

/// `kvmctl warm VM`.
struct WarmMake: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Make the image that run --warm goes on from, unless it is there.")

    @OptionGroup var made: ModelOptions

    @OptionGroup var warmth: WarmOptions

    @Option(help: "How long it may take. Default: 5m.", transform: OptionValue.duration)
    var timeout: Duration = WarmingUp.patience

    @OptionGroup var dryRun: DryRunOption

    @Flag(help: .trustOwner)
    var trustOwner = false

    @OptionGroup var output: OutputOptions

    func validate() throws { try made.refuseUnclear("warm") }

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust(owner: trustOwner), keepsProbes: !dryRun.isOn)
        let model = try made.model
        let signals = EndingSignals()
        let warming = WarmingUp(
            model, warmth.wish, in: context, timeout: timeout, signals.taken, tell: { Message.note($0) })
        if dryRun.isOn {
            let task = try warming.task()
            return output.print(WarmReport(task.image, wouldBeMade: task.isNew, because: task.obstacle))
        }
        let found = try signals.heed { _ in try warming.run() }
        output.print(WarmReport(found.image, isNew: found.isNew))
    }
}

/// `kvmctl warm list`.
struct WarmList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the warm images, the one that was used last first.", aliases: ["ls"])

    @OptionGroup var output: OutputOptions

    func run() throws { output.print(WarmListReport(try WarmCache(Site.current).all(), at: .now)) }
}

/// `kvmctl warm rm`.
struct WarmRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove warm images. Runs that have started from one go on.")

    @Argument(help: "The images, as warm list calls them.", transform: Self.name)
    var images: [VMName] = []

    @Flag(help: "All of them.")
    var all = false

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    private static func name(_ text: String) throws -> VMName {
        guard let name = VMName(text) else {
            throw ValidationError("\(Printable.quoted(text)) is not a name of a warm image")
        }
        return name
    }

    func validate() throws {
        if all != images.isEmpty { throw ValidationError(all ? "--all takes no names" : "name an image, or use --all") }
    }

    func run() throws {
        let cache = WarmCache(try Site.current)
        if !dryRun.isOn { try cache.sweepHalves() }
        try output.list(.warm) { results in
            var failed = false
            let names = all ? try cache.all().map(\.name) : images
            for (number, name) in names.enumerated() {
                results.turn(to: number)
                do throws(VMError) {
                    let image = try cache.remove(name, isDryRun: dryRun.isOn)
                    output.print(WarmReport(removed: image, isDryRun: dryRun.isOn), among: results)
                } catch {
                    results.fail("\(name)", error)
                    if names.count == 1 { throw error }
                    Message.error(error)
                    failed = true
                }
            }
            if failed { throw SomeFailed(.partial) }
        }
    }
}
