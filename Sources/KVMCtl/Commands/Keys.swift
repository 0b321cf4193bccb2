import ArgumentParser
import VMCore
import VMReports

/// `kvmctl keys`.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", _superCommandName: Root.name,
        abstract: "List the keys of vm.params, and what each one is for.",
        discussion: "An `n` in a key stands for a number, as in DISK0. See vm.params(5) for more.")

    @Argument(help: "Only these keys, such as DISK0_SIZE; none: all.", completion: .keys)
    var keys: [String] = []

    @OptionGroup var output: OutputOptions

    func run() throws {
        let wanted = try keys.map { key in try ParamsSchema.entry(key) }
        output.print(KeysReport(wanted.isEmpty ? ParamsSchema.entries : wanted))
    }
}
