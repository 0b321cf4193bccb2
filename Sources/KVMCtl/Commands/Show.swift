import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl show`.
struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", _superCommandName: Root.name,
        abstract: "Show everything that is known about VMs.", aliases: ["status", "info"])

    @OptionGroup var targets: Targets
    @Flag(name: .shortAndLong, help: "Print the places of the logs and sockets too.")
    var verbose = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.vm) { results in
            try targets.forEach(results) { vm in
                do throws(VMError) { try vm.keepCrash() } catch { Message.error(error) }
                let entry = vm.entry()
                output.print(VMReport(entry, vm.details(of: entry), showsPlaces: verbose), among: results)
                if let obstacle = entry.obstacle { throw obstacle }
            }
        }
    }
}
