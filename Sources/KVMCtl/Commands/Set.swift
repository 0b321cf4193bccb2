import ArgumentParser
import VMCore
import VMLife
import VMReports

/// `kvmctl set`. `Set` is Swift's.
struct SetKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", _superCommandName: Root.name,
        abstract: "Set keys of the params files of VMs, and remove keys.",
        discussion: """
            The rest of a file stays as it is. The new text is checked as `kvmctl check` does; if anything about it is \
            wrong, neither the file nor the VM changes. A running VM takes what it can at once (DESCRIPTION, other \
            limits of a disk that has some, another VNC password); the rest counts from its next start. The output says \
            which. `kvmctl set web CPUS=4 MEMORY=2G`; `kvmctl set web --unset DISK1_IOPS`.
            """)

    @Argument(
        help: ArgumentHelp("The VMs, and the keys with their new values.", valueName: "vm or KEY=VALUE"),
        completion: .vmOrKeys)
    var words: [String] = []

    @Flag(help: "All VMs: those under the roots, and all others that run.")
    var all = false

    @Option(help: "Remove this key, so that its default holds; may be repeated.", completion: .keys)
    var unset: [String] = []

    @OptionGroup var trust: TrustOption
    @OptionGroup var dryRun: DryRunOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        try targets.validate()
        if unset.isEmpty, !words.contains(where: Self.isChange) {
            let meant = meant.map { ": write \($0)" }
            throw ValidationError("say what to set\(meant ?? ": KEY=VALUE, or --unset KEY")")
        }
    }

    func run() throws {
        let edits = try edits
        let context = PlanningContext(try Site.current, trust: try trust.trust())
        try output.list(.set) { results in
            try targets.forEach(results) { vm in
                try vm.refuseAnothers()
                let change = try vm.changeFile(naming: edits.map(\.key), in: context, dryRun: dryRun.isOn) {
                    text throws(VMError) in try ParamsEdit.applying(edits, to: text)
                }
                change.notices.forEach { Message.note("\(vm.name): \($0)") }
                output.print(SetReport(vm.name, file: vm.file, isDryRun: dryRun.isOn, change.keys), among: results)
            }
        }
    }

    /// The change that `CPUS 4` is meant to be: a key, and its value as a word of its own.
    private var meant: ParamsLine? {
        for (word, value) in zip(words, words.dropFirst()) {
            if let key = ParamsSchema.key(meantBy: word) { return ParamsLine(key, value) }
        }
        return nil
    }

    private var edits: [ParamsEdit] {
        get throws(VMError) {
            var edits: [ParamsEdit] = []
            for word in words where Self.isChange(word) { edits.append(try ParamsEdit(word)) }
            for key in unset { edits.append(try ParamsEdit(key: key, value: nil)) }
            if let edit = edits.first(where: { $0.key == KeyName(.name) }) {
                throw VMError(
                    .usage, "\(edit.key)", "is not set like this, as logs and run-time files belong to a name",
                    remedy: "rename the VM: kvmctl rename VM NEW")
            }
            if let edit = edits.first(where: { $0.value?.isEmpty == true && !$0.key.key.mayBeEmpty }) {
                throw VMError(
                    .badData, "\(edit.key)", "has no value",
                    remedy: "give it a value, or remove it: --unset \(edit.key)")
            }
            return edits
        }
    }

    private var targets: Targets {
        var targets = Targets()
        (targets.vms, targets.all) = (words.filter { !Self.isChange($0) }, all)
        return targets
    }

    /// No name has a `=`, and a path has a `/` before it.
    private static func isChange(_ word: String) -> Bool {
        word.utf8.firstIndex(of: UInt8(ascii: "=")).map { !word[..<$0].contains("/") } ?? false
    }
}
