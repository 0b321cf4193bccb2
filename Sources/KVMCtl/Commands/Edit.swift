import ArgumentParser
import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl edit`.
struct Edit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", _superCommandName: Root.name,
        abstract: "Edit a VM's params file, which is checked before it is saved.",
        discussion: """
            The editor is that of VISUAL or EDITOR, else sensible-editor or vi, and gets a copy of the file. What it \
            saved is checked as `kvmctl check` does. If anything about it is wrong, you are asked whether to edit it \
            again; without a terminal the exit code is 65, and the copy is kept. A running VM takes what it can at \
            once, as with `kvmctl set`.
            """)

    @Argument(help: "The VM: a name, or the path of its params file.", completion: .vm)
    var vm: String

    @OptionGroup var trust: TrustOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.list(.set) { results in
            let site = try Site.current
            let trust = try trust.trust()
            let vm = try site.find(vm)
            try vm.refuseAnothers()
            let before = try vm.fileText(trust: trust)
            let copy = try EditedCopy(of: before, called: vm.name)
            let (keys, isSaved) = try change(vm, before, copy, PlanningContext(site, trust: trust))
            copy.remove()
            output.print(SetReport(vm.name, file: vm.file, isDryRun: false, keys, isSaved: isSaved), among: results)
        }
    }

    private func change(
        _ vm: Machine, _ before: String, _ copy: EditedCopy, _ context: PlanningContext
    ) throws -> (keys: [FileChange.Key], isSaved: Bool) {
        while true {
            let began = ContinuousClock.now
            let text = try copy.edit()
            if text == before {
                if Question.canBeAsked, .now - began < .seconds(1) {
                    Message.note(
                        "the editor ended at once: one that opens a window has to wait for it, as code --wait does")
                }
                return ([], false)
            }
            do throws(VMError) {
                guard !text.allSatisfy(\.isWhitespace) else { throw Self.emptied(vm) }
                let change = try vm.changeFile(in: context) { now throws(VMError) in
                    guard now == before else { throw Self.changedMeanwhile(vm) }
                    return text
                }
                change.notices.forEach { Message.note("\(vm.name): \($0)") }
                return (change.keys, true)
            } catch {
                var error = error
                error.details.append("What you wrote is in \(copy.file).")
                // What somebody else did since is not in this copy.
                guard error.code != .busy, Question.canBeAsked else { throw error }
                Message.error(error)
                guard Question.isAnsweredWithYes("Edit it again?", about: []) else { throw SomeFailed(error.code) }
            }
        }
    }

    /// An editor that failed may leave no more than that.
    private static func emptied(_ vm: Machine) -> VMError {
        VMError(
            .badData, vm.file.string, "what the editor saved is empty, so the file is as it was",
            remedy: "remove the VM with kvmctl rm, if that is meant")
    }

    private static func changedMeanwhile(_ vm: Machine) -> VMError {
        VMError(
            .busy, vm.file.string, "somebody else has changed it while you edited it, so it was not saved",
            remedy: "edit it again, and put your changes in")
    }
}
