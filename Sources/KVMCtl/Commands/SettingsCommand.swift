import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl settings`.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", _superCommandName: Root.name,
        abstract: "List the settings in force, and where each one comes from.",
        discussion: """
            They are those of /etc/kvmctl.conf, then of ~/.config/kvmctl.conf, each written as in vm.params; the \
            environment (KVMCTL_VMS) and the options of a command go before. The keys: \
            \(SettingKey.allCases.map(\.rawValue).joined(separator: ", ")).
            """)

    @Argument(help: .hidden)
    var words: [String] = []

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard let word = words.first else { return }
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        guard let first = parts.first, let key = SettingKey.nearest(to: first) else {
            throw ValidationError("\(word): settings takes no words, and lists them all")
        }
        let line = ParamsLine(key.rawValue, parts.count > 1 ? parts[1] : words.dropFirst().first ?? key.example)
        throw ValidationError("\(word): settings are kept in a file: write \(line) into /etc/kvmctl.conf")
    }

    func run() throws { output.print(SettingsReport(try Site.current.settingsInForce)) }
}
