import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl list`.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", _superCommandName: Root.name,
        abstract: "List the VMs under the roots, and all others that run.",
        discussion: """
            ADDRESS is what this host remembers of the guest, or the port that it forwards; `kvmctl ip` asks the guest. \
            On a terminal states are in colour, unless NO_COLOR is set.
            """, aliases: ["ls", "ps"])

    @Argument(help: "Only these VMs.", completion: .vm)
    var vms: [String] = []

    @Option(
        name: .customLong("state"), help: "Only VMs in one of these states, such as running,paused.",
        transform: VMState.list)
    var states: [VMState]?

    @Option(
        name: [.customShort("o"), .customLong("columns")],
        help: "The columns, such as name,state,address; wide: more of them.", transform: ListColumn.list)
    var columns: [ListColumn]?

    @Flag(help: "Print only the names; so does -q.")
    var names = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if columns != nil, output.json || isQuiet { throw ValidationError("-o excludes --json and --names") }
    }

    func run() throws {
        let site = try Site.current
        var inventory = vms.isEmpty ? site.inventory() : site.inventory(of: vms)
        site.keepCrashes(of: inventory.entries).forEach(Message.error)
        if let states { inventory.entries.removeAll { !states.contains($0.state) } }
        if needsAddresses { inventory.learnAddresses() }
        if isQuiet {
            output.print(NamesReport(inventory.entries))
        } else {
            output.print(VMListReport(inventory.entries, columns: columns))
        }
        let unseen = inventory.unseen + inventory.entries.compactMap(\.obstacle)
        unseen.merged.forEach(Message.error)
        if let failure = SomeFailed(unseen) { throw failure }
    }

    private var isQuiet: Bool { names || output.quiet }

    private var needsAddresses: Bool { output.json || !isQuiet && (columns ?? ListColumn.usual).contains(.address) }
}
