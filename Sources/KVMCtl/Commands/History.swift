import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl history`.
struct History: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", _superCommandName: Root.name,
        abstract: "Tell what happened to VMs: who started them, how they ended, when, why.",
        discussion: "Times are this host's local times. With --all, the VMs that were ever started.")

    @OptionGroup var targets: Targets

    @Option(name: [.customShort("n"), .long], help: "Only the last N entries.", transform: OptionValue.lines)
    var lines: Int?

    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.history) { results in
            try targets.forEach(results, orElse: RemainsOfRun.substitute) { vm in
                let told: [VMEvent]
                do { told = try vm.told() } catch let error as VMError {
                    if targets.all, error.code == .notFound { return }
                    throw error
                }
                let isTitled = targets.all || targets.vms.count > 1
                output.print(HistoryReport(vm.name, told, last: lines, isTitled: isTitled), among: results)
            }
        }
    }
}
