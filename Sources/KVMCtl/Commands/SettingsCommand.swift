import ArgumentParser
import VMLife
import VMReports

/// `kvmctl settings`.
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", _superCommandName: Root.name,
        abstract: "List the settings in force, and where each one comes from.",
        discussion: """
            They are those of /etc/kvmctl.conf, then of ~/.config/kvmctl.conf, each written as in vm.params; the \
            environment (KVMCTL_VMS) and the options of a command go before.
            """)

    @OptionGroup var output: OutputOptions

    func run() throws { output.print(SettingsReport(try Site.current.settingsInForce)) }
}
