import ArgumentParser
import VMCore
import VMLife
import VMReports

/// The VMs that a command acts on that is only for running ones: with `--all`, one that does not run is no failure.
struct RunningTargets: ParsableArguments {
    @Argument(help: "The VMs: names, or paths of params files.", completion: .vm)
    var vms: [String] = []

    @Flag(help: "All VMs that run.")
    var all = false

    func validate() throws { try chosen.validate() }

    /// Those that the words say, whether they run or not.
    private var chosen: Targets {
        var targets = Targets()
        (targets.vms, targets.all) = (vms, all)
        return targets
    }

    private func isLeftOut(_ vm: Machine) throws(VMError) -> Bool {
        guard all else { return false }
        return try !vm.mayRun()
    }

    /// As `Targets.forEach`.
    func forEach(_ results: VMResults, _ body: (Machine) throws -> Void) throws {
        // One may have ended while those before it were dealt with.
        try chosen.forEach(results) { vm in if try !isLeftOut(vm) { try body(vm) } }
    }

    /// As `Targets.forEach`, in two rounds.
    ///
    /// - Parameter prepare: prepares something for a VM; nil: it is not dealt with.
    func forEach<Prepared>(
        _ results: VMResults, in context: PlanningContext? = nil, _ prepare: (Machine) throws -> Prepared?,
        holding descriptors: Int = 0, next: ([Prepared]) -> Int = { _ in 0 }, then body: (Prepared) throws -> Void
    ) throws {
        try chosen.forEach(
            results, in: context, { vm -> Prepared? in try isLeftOut(vm) ? nil : prepare(vm) }, holding: descriptors,
            next: { open in open.firstIndex { $0 == nil } ?? next(open.compactMap(\.self)) },
            then: { one in if let one { try body(one) } })
    }
}
