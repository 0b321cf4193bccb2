import ArgumentParser
import SystemPackage
import VMCore
import VMLife

/// `kvmctl list`.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", _superCommandName: Root.name,
        abstract: "List the VMs under the roots, and all others that run.", aliases: ["ls"])

    @OptionGroup var output: OutputOptions

    func run() throws {
        let inventory = try Site.current.inventory()
        if output.json { output.print(list: inventory.entries.map(\.json)) } else { show(inventory.entries) }
        let unseen = inventory.unseen + inventory.entries.compactMap(\.obstacle)
        unseen.merged.forEach(Message.error)
        if let failure = SomeFailed(unseen) { throw failure }
    }

    private func show(_ entries: [VMEntry]) {
        var table = Table("NAME", "STATE", "MEMORY", "CPUS", "VNC", "NICS", "UPTIME")
        for entry in entries {
            table.add(
                entry.name, entry.state.rawValue, entry.memoryText, entry.cpusText, entry.vncText, entry.nicsText,
                entry.uptimeText)
        }
        print(table.text)
        for entry in entries where entry.fault != nil {
            Message.note("\(entry.file): can't be used; \(command: "kvmctl check \(entry.file)") says why")
        }
        for entry in entries where entry.isStray {
            Message.note(
                "\(entry.name): still runs, but without its run-time files, which were removed; "
                    + "\(command: "kvmctl show \(entry.name)") says more")
        }
    }
}
