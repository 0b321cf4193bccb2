import ArgumentParser
import SystemPackage
import VMCore
import VMLife

/// `kvmctl check`.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", _superCommandName: Root.name,
        abstract: "Check whether VMs could start here, and name every problem in their files, disks and bridges.")

    @OptionGroup var targets: Targets
    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let context = PlanningContext(try Site.current, trust: try trust.trust())
        try output.list("kvmctl.check/1", failing: { Self.verdict(ok: false, [$0.description]) }) { results in
            try targets.forEach(results, in: context) { vm in
                let known: [String: JSON] = [
                    "name": .string(vm.name.description), "params": .string(vm.file.string),
                ]
                results.add(known)
                let notices = try check(vm, context)
                results.add(known.merging(Self.verdict(ok: true, notices)) { own, _ in own })
                guard !output.json else { return }
                print("\(vm.name): ok")
                notices.forEach { print("  note: \($0)") }
            }
        }
    }

    private func check(_ vm: Machine, _ context: PlanningContext) throws -> [String] {
        let isRunning = try vm.mayRun()
        let starting = try vm.starting(in: context)
        let plan = try starting.plan(to: .check(isRunning: isRunning))
        let unchecked =
            starting.params.qemuArguments.isEmpty ? [] : ["QEMUARGn was not checked: only QEMU can judge it"]
        return starting.notices(of: plan) + plan.derivedValues + unchecked
    }

    private static func verdict(ok: Bool, _ messages: [String]) -> [String: JSON] {
        ["ok": .bool(ok), "messages": .array(messages.map(JSON.string))]
    }
}
