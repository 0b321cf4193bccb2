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
            MARKS are shown if there are any: enabled (it starts with the host), protected (PROTECT=yes), pending (its \
            file says something else by now: `kvmctl diff`), stray (it runs without run-time files). \
            On a terminal states are in colour, unless NO_COLOR is set.
            """, aliases: ["ls", "ps"])

    @Argument(help: "Only these VMs.", completion: .vm)
    var vms: [String] = []

    // Both are checked here and kept as words: a type more takes ArgumentParser as long as reading ten VMs.
    @Option(
        help: "Only VMs in one of these states, such as running,paused.",
        transform: { try VMState.list($0).map(\.rawValue) })
    var state: [String]?

    @Option(
        help: "Only VMs with this tag, or with one of several: web,db. Repeated: with each.",
        transform: { try OptionValue.tags($0).joined(separator: ",") })
    var tag: [String] = []

    @Option(
        name: [.customShort("o"), .customLong("columns")],
        help: "The columns, such as name,state,address; wide: most of them; wide,uuid: that one too.",
        transform: { try ListColumn.list($0).map(\.rawValue) })
    var columns: [String]?

    @Flag(help: "Print only the names; so does -q.")
    var names = false

    @Flag(name: .shortAndLong, help: "All VMs, stopped ones too, as without it.")
    var all = false

    // Not a group: see `OutputOptions`.
    @Flag(name: .shortAndLong, help: "Print no notices, only results and errors.")
    var quiet = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if quiet { Message.isQuiet = true }
        if all, !vms.isEmpty { throw ValidationError("--all and names of VMs exclude each other") }
        if columns != nil, json || isQuiet { throw ValidationError("-o excludes --json and --names") }
    }

    mutating func run() throws {
        let site = try Site.current
        columns = columns ?? site.settings.listColumns?.map(\.rawValue)
        var inventory = vms.isEmpty ? site.inventory() : site.inventory(of: vms)
        site.keepCrashes(of: inventory.entries).forEach(Message.error)
        let note = site.note(ofMissing: inventory.missingRoots, besides: !inventory.entries.isEmpty)
        if let state { inventory.entries.removeAll { !state.contains($0.state.rawValue) } }
        if !tag.isEmpty { keepTagged(&inventory) }
        if needs(.marks) { inventory.learnEnabled(of: site) }
        if needs(.address) { inventory.learnAddresses() }
        if isQuiet {
            output.print(NamesReport(inventory.entries))
        } else if json || vms.isEmpty || !inventory.entries.isEmpty {
            output.print(VMListReport(inventory.entries, columns: listed))
        }
        if let note { Message.note(note) }
        let unseen = inventory.unseen + inventory.entries.compactMap(\.obstacle)
        unseen.merged.forEach(Message.error)
        if let failure = SomeFailed(unseen) { throw failure }
    }

    /// Keeps the VMs that have one of each list of tags.
    private func keepTagged(_ inventory: inout Inventory) {
        for entry in inventory.entries where entry.vm == nil {
            Message.note("\(entry.name): its tags are not known, so that it is left out")
        }
        for list in tag {
            let tags = list.split(separator: ",").map(String.init)
            inventory.entries.removeAll { $0.vm?.tags.contains(where: tags.contains) != true }
        }
    }

    private var isQuiet: Bool { names || quiet }

    private var output: OutputOptions { OutputOptions(quiet: quiet, json: json) }

    private var listed: [ListColumn]? { columns?.compactMap { ListColumn(rawValue: $0) } }

    /// Whether it has to be known for what is printed. Marks are shown by default if there are any.
    private func needs(_ column: ListColumn) -> Bool {
        json || !isQuiet && (listed ?? ListColumn.usual + [.marks]).contains(column)
    }
}
