import ArgumentParser
import VMCore
import VMLife
import VMReports

/// What a change to a VM's devices is made to.
struct ChangeFlags: ParsableArguments {
    @Flag(help: "Change only the running machine: at its next start the VM is as its file says.")
    var live = false

    @Flag(help: "Change only the file, for the next start.")
    var config = false

    @OptionGroup var how: ReportedChange

    func validate() throws {
        if live, config {
            throw ValidationError("--live and --config exclude each other; without them, both are changed")
        }
    }

    /// What it says about both, for the help of the commands.
    static let discussion = """
        A running VM is changed at once, and its file for the next start; of a VM that does not run, the file. If one of \
        the two can't be changed, neither is.
        """

    /// Makes a change, and reports it.
    ///
    /// - Parameter patience: How long the guest may take.
    func change(
        _ word: String, patience: Duration = .seconds(10),
        _ body: (Machine, ChangeRequest) throws -> DeviceChange
    ) throws {
        try how.change(word, scope: live ? .machine : config ? .file : .both, patience: patience, body)
    }
}

/// A change that is reported, or only planned.
struct ReportedChange: ParsableArguments {
    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func change(
        _ word: String, scope: ChangeScope, patience: Duration = .seconds(10),
        _ body: (Machine, ChangeRequest) throws -> DeviceChange
    ) throws {
        try output.list(.device) { results in
            let context = PlanningContext(
                try Site.current, trust: try trust.trust(), keepsProbes: !dryRun.isOn)
            do {
                let vm = try Site.current.find(word, in: context)
                try vm.refuseAnothers()
                let request = ChangeRequest(
                    scope: scope, isDryRun: dryRun.isOn, patience: patience, context: context)
                let change = try body(vm, request)
                output.print(DeviceChangeReport(vm.name, change, dryRun: dryRun.isOn), among: results)
            } catch let error as VMError {
                results.fail(word, error)
                throw error
            }
        }
    }
}
