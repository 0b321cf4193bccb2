import ArgumentParser
import SystemPackage
import VMCore

/// `kvmctl list`.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", _superCommandName: Root.name,
        abstract: "List the VMs: those under the roots, and those that run.", aliases: ["ls"])

    @OptionGroup var output: OutputOptions

    func run() throws {
        VMLocator(try Places.current()).blindSpots().forEach(Message.error)
        let entries = try Places.inventory().entries()
        if output.json {
            output.print(list: entries.map(\.json))
            return
        }
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
    }
}
