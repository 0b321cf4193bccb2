import ArgumentParser
import VMCore
import VMLife

/// `kvmctl trim-logs`, for the timer of the package: what every command does before its own work, and no more.
struct TrimLogs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trim-logs", _superCommandName: Root.name,
        abstract: "Keep the logs of VMs within bounds: 16 MiB each, the newest of it.",
        shouldDisplay: false)

    func run() throws {
        let failures = try LogBound(try Places.current()).enforce()
        failures.forEach(Message.error)
        if !failures.isEmpty { throw SomeFailed(code: ExitStatus.code(of: .partial)) }
    }
}
