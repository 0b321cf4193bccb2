import ArgumentParser
import VMCore
import VMLife

/// `kvmctl trim-logs`, for the package's timer: keeps logs within their size, and records crashes.
struct TrimLogs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trim-logs", _superCommandName: Root.name,
        abstract: "Trim the logs of VMs to their newest 16 MiB each.",
        shouldDisplay: false)

    @OptionGroup var quiet: QuietOption

    func run() throws {
        let site = try Site.current
        let failures = try LogBound(site).enforce() + site.keepCrashes()
        failures.forEach(Message.error)
        if !failures.isEmpty { throw SomeFailed(.partial) }
    }
}
