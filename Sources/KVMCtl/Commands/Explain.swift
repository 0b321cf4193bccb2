import ArgumentParser
import VMCore
import VMLife

/// `kvmctl explain`.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", _superCommandName: Root.name,
        abstract: "Print every QEMU argument of a VM, and where it comes from.")

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try trust.trust())
        let plan = try site.find(vm, in: context).starting(in: context).plan(to: .show(isRunning: true))
        if output.json {
            output.print(list: plan.arguments.map(\.json))
            return
        }
        print("\(ShellCommand(words: [plan.executable]))")
        for group in plan.arguments {
            print("  \(ShellCommand(words: group.words))")
            print("      \(group.purpose) — \(group.origins.map(\.text).joined(separator: "; "))")
        }
        plan.notices.forEach(Message.note)
    }
}

extension ArgumentGroup {
    /// As JSON (docs/json.md, schema kvmctl.argument/1).
    var json: JSON {
        [
            "schema": "kvmctl.argument/1", "words": .array(words.map(JSON.string)), "purpose": .string(purpose),
            "origins": .array(origins.map { .string($0.text) }),
        ]
    }
}
