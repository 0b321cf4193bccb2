import ArgumentParser
import SystemPackage
import VMCore

/// `kvmctl check`.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", _superCommandName: Root.name,
        abstract: "Say whether VMs could start here, and what in their files, disks and bridges keeps them from it.")

    @OptionGroup var targets: Targets
    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        var results: [JSON] = []
        defer { if output.json { output.print(list: results) } }
        try targets.forEach { vm in
            do {
                let notices = try check(vm)
                results.append(Self.json(vm, ok: true, notices))
                guard !output.json else { return }
                print("\(vm.name): ok")
                notices.forEach { print("  note: \($0)") }
            } catch let error as VMError {
                results.append(Self.json(vm, ok: false, [error.description]))
                throw error
            }
        }
    }

    private func check(_ vm: VMReference) throws -> [String] {
        let file = try VMFile(vm.file, try trust.trust())
        let paths = try Places.current()
        let plan = try Starting(file, paths: paths).plan(to: .check(isRunning: try Places.isRunning(vm)))
        let unchecked = file.params.qemuArguments.isEmpty ? [] : ["QEMUARGn are QEMU's own to judge: not checked"]
        return file.warnings + plan.notices + plan.derivedValues + unchecked
    }

    private static func json(_ vm: VMReference, ok: Bool, _ messages: [String]) -> JSON {
        [
            "schema": "kvmctl.check/1", "name": .string(vm.name.description), "params": .string(vm.file.string),
            "ok": .bool(ok), "messages": .array(messages.map(JSON.string)),
        ]
    }
}
