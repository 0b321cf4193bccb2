import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl list`.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", _superCommandName: Root.name,
        abstract: "List the VMs under the roots, and all others that run.", aliases: ["ls", "ps"])

    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let inventory = site.inventory()
        site.keepCrashes(of: inventory.entries).forEach(Message.error)
        output.print(VMListReport(inventory.entries))
        let unseen = inventory.unseen + inventory.entries.compactMap(\.obstacle)
        unseen.merged.forEach(Message.error)
        if let failure = SomeFailed(unseen) { throw failure }
    }
}
