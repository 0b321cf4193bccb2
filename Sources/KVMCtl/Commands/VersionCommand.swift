import ArgumentParser

/// `kvmctl version`: the same as `kvmctl --version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", _superCommandName: Root.name, abstract: "Print the version.", shouldDisplay: false)

    @OptionGroup var quiet: QuietOption

    func run() { print(Root.configuration.version) }
}
