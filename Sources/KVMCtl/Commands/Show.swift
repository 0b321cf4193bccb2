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
    @Flag(
        help: "Print what the guest shows too: how far it is, its last line, its agent, its addresses, what is wrong.")
    var guest = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.vm) { results in
            try targets.forEach(results, orElse: RemainsOfRun.substitute) { vm in
                do throws(VMError) { try vm.keepCrash() } catch { Message.error(error) }
                let entry = vm.entry()
                let (shown, obstacle) = guest ? look(at: vm) : (nil, nil)
                output.print(
                    VMReport(entry, vm.details(of: entry), guest: shown, showsPlaces: verbose), among: results)
                if let obstacle = entry.obstacle ?? obstacle { throw obstacle }
            }
        }
    }

    private func look(at vm: Machine) -> (GuestEvidence?, VMError?) {
        do throws(VMError) {
            try vm.refuseAnothers()
            return (try vm.look(), nil)
        } catch { return (nil, error) }
    }
}
