import ArgumentParser
import SystemPackage
import VMCore
import VMLife
import VMReports

/// `kvmctl doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", _superCommandName: Root.name,
        abstract: "Find everything that stops a VM from starting or from being reached, and say how to fix it.",
        discussion: """
            A problem stops a VM from starting or from being reached. A warning is about something that works badly, \
            or that could not be looked at. Below each stands the command that fixes it, to be run as root. Of VMs that \
            are named, the guests are looked at too: how far each is, and what is wrong in it; of one that does not \
            run, how its last run ended. Exits with 0 if there is no problem, else with 69.
            """)

    @Argument(help: "Only these VMs, with their guests, these bridges, and the host.", completion: .vm)
    var subjects: [String] = []

    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let findings = try Doctor(site, trust: try site.trust()).findings(for: subjects)
        output.print(DoctorReport(findings))
        if findings.contains(where: { $0.severity == .problem }) { throw SomeFailed(.unavailable) }
    }
}
