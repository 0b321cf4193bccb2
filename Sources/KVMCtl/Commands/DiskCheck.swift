import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl disk check`.
struct DiskCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the structure of qcow2 disks, and repair it.",
        discussion: """
            \(DiskWords.discussion) A disk that a running VM, another process or this host uses is not checked (75). A \
            damaged one is 65. A raw disk has no structure that could be checked.
            """)

    @OptionGroup var words: DiskWords

    @Flag(help: "Repair what is wrong. Copy the image first: what the guest had at damaged places may be lost.")
    var repair = false

    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust())
        try output.list(.diskCheck) { results in
            try words.forEach(in: context, results) { _, disk throws(VMError) in
                let checked = try context.check(disk, repairing: repair, isDryRun: dryRun.isOn)
                output.print(DiskCheckReport(checked, dryRun: dryRun.isOn), among: results)
                if let damage = checked.damage { throw damage }
            }
        }
    }
}
