import ArgumentParser
import VMCore
import VMReports

/// `kvmctl keys`.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", _superCommandName: Root.name,
        abstract: "List the keys of vm.params, and what each one is for.",
        discussion: "An `n` in a key stands for a number, as in DISK0. See vm.params(5) for more.")

    @OptionGroup var output: OutputOptions

    func run() { output.print(KeysReport(ParamsSchema.entries)) }
}
