import ArgumentParser
import VMCore
import VMLife

/// `kvmctl trim-logs`, for the package's timer: does only what every command does before its own work.
struct TrimLogs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trim-logs", _superCommandName: Root.name,
        abstract: "Trim the logs of VMs to their newest 16 MiB each.",
        shouldDisplay: false)

    @OptionGroup var quiet: QuietOption

    func run() throws {
        let failures = try LogBound(try Site.current).enforce()
        failures.forEach(Message.error)
        if !failures.isEmpty { throw SomeFailed(.partial) }
    }
}
