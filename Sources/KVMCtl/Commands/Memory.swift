import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl memory`.
struct Memory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory", _superCommandName: Root.name,
        abstract: "Show how much memory a running guest has, or have it give some back.",
        discussion: """
            The guest's balloon driver gives memory back to the host, or takes it again, up to what the VM was started \
            with. The next start has MEMORY again: `kvmctl set VM MEMORY=SIZE` changes that.
            """)

    @Argument(help: "The VM: a name, or the path of a params file.", completion: .vm)
    var vm: String

    @Argument(help: "How much it is to have; a bare number is MiB.", transform: OptionValue.memory)
    var size: ByteCount?

    @Option(help: "How long the guest may take. Default: 10s.", transform: OptionValue.duration)
    var wait = Duration.seconds(10)

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.memory) { results in
            do {
                let machine = try Site.current.find(vm)
                try machine.refuseAnothers()
                let state = try machine.memory(size, within: wait, dryRun: dryRun.isOn)
                output.print(MemoryReport(machine.name, state, dryRun: dryRun.isOn), among: results)
            } catch let error as VMError {
                results.fail(vm, error)
                throw error
            }
        }
    }
}
