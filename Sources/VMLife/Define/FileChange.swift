import SystemPackage
import VMCore
import VMHost

/// A change to a VM's params file: what it comes to, now and at the next start.
package struct FileChange: Sendable {
    /// What becomes of a key.
    package struct Key: Equatable, Sendable {
        /// Its name.
        package var name: KeyName
        /// Its value in the file before; nil: it was not set.
        package var before: String?
        /// Its value in the file from now on; nil: it is not set.
        package var after: String?
        /// When the new value holds.
        package var effect: Effect
        /// The line of an included file that the value from now on is from; nil: it is not from one.
        package var included: String?
    }

    /// When a value holds.
    package enum Effect: Equatable, Sendable {
        /// From the next start, as the VM does not run.
        case saved
        /// At once: the running VM has taken it.
        case applied
        /// It is what the VM runs with.
        case asRunning
        /// From the next start; the VM runs with another value, nil: the default.
        case pending(running: String?)
        /// From the next start; an earlier version of kvmctl started the VM, and it is not known with what.
        case unknown
    }

    /// The keys that change, and those that were asked for.
    package var keys: [Key]
    /// Whether the file says anything new.
    package var isNew: Bool { text != file.before }
    /// What the user should know about the new text, and need not know of the old.
    package var notices: [String]
    /// The new text of the file.
    let text: String
    fileprivate let file: Sides
    /// What the running VM has to be told.
    fileprivate let live: [LiveChange]

    /// The file, before and after.
    fileprivate struct Sides: Sendable {
        let before: String
        let after: VMFile
    }
}

extension Machine {
    /// Changes the VM's params file, and the VM as far as it runs and can take it.
    ///
    /// The new text is checked as `check` would. What kept the VM from starting before does not count: a change is refused for
    /// what it adds. The file is written first: a command that is killed then leaves what `diff` shows.
    ///
    /// - Parameters:
    ///   - asked: the keys to be reported in any case.
    ///   - context: the host and the other VMs that it is planned against.
    ///   - dryRun: whether nothing is to be changed.
    ///   - edit: makes the new text of the old one.
    /// - Throws: `.badData` with every diagnostic if the new text is wrong; what would keep the VM from starting; why it can't
    ///   be written, or QEMU does not take it. Then neither the file nor the VM has changed.
    package func changeFile(
        naming asked: [KeyName] = [], in context: PlanningContext, dryRun: Bool = false,
        _ edit: (String) throws(VMError) -> String
    ) throws(VMError) -> FileChange {
        guard !file.isEmpty else { throw .withoutRuntimeFiles(name, "its params file is not known") }
        try refuseEphemeral()
        func plan(_ old: String, _ seen: Observation) throws(VMError) -> FileChange {
            let isRunning = try seen.isAlive ? try runsFromFile : false
            return try FileChange(
                old, to: edit(old), of: self, isRunning: isRunning, isRunning ? try manifest()?.vm : nil, naming: asked,
                in: context)
        }
        guard !dryRun else { return try plan(fileText(trust: context.trust), observe()) }
        return try operate { () throws(VMError) in
            let seen = try settle()
            var change: FileChange?
            try rewriteFile(trust: context.trust) { old throws(VMError) in
                let planned = try plan(old, seen)
                change = planned
                return planned.text
            }
            guard let change else { throw VMError(.bug, file.string, "was not read") }
            do throws(VMError) { try take(change) } catch {
                try rewriteFile(trust: context.trust) { now in now == change.text ? change.file.before : now }
                throw error
            }
            return change
        }
    }

    private func take(_ change: FileChange) throws(VMError) {
        let applied = change.keys.filter { $0.effect == .applied }
        guard !applied.isEmpty else { return }
        try take(change.live, of: change.file.after, noting: applied.map { ("\($0.name)", $0.after) })
    }
}

extension FileChange {
    fileprivate init(
        _ old: String, to text: String, of vm: Machine, isRunning: Bool, _ running: VMDescription?,
        naming asked: [KeyName], in context: PlanningContext
    ) throws(VMError) {
        let before = try? VMFile(old, of: vm.file, context.trust)
        let after: VMFile
        do throws(VMError) { after = try VMFile(text, of: vm.file, context.trust) } catch {
            throw Self.refusal(error)
        }
        if let name = before?.params.name.value, after.params.name.value != name {
            throw Self.refusal(
                VMError(
                    .badData, vm.file.string,
                    "its VM would be called \(after.params.name.value) instead of \(name): its logs and its unit go by its name",
                    remedy: "leave NAME as it is, and use kvmctl rename"))
        }
        if after.params.template.value, before?.params.template.value != true {
            try Self.refuseTemplate(vm, isRunning: isRunning)
        }
        if let before { try Self.refuseLoss(of: before.params, by: after.params, in: context) }
        notices = []
        if text != old {
            let known = before.map { Starting($0, of: vm, in: context).verdict(isRunning: isRunning) }
            let new = Starting(after, of: vm, in: context).verdict(isRunning: isRunning)
            let added = new.problems.filter { problem in known?.problems.contains { problem.isLike($0) } != true }
            if !added.isEmpty, !isRunning, try vm.isSuspended() { throw Self.refusal(vm, added) }
            if !added.isEmpty { throw Self.refusal(PlanRefusal(problems: added).error(of: vm.file)) }
            notices = new.notices.filter { known?.notices.contains($0) != true }
        }
        (self.text, file) = (text, Sides(before: old, after: after))
        let given = (before: before?.params.given ?? GivenKeys(in: old), after: after.params.given)
        let takes = Running(running, from: vm.file, toBecome: after.params)
        let differences = given.after.differences(from: given.before, in: vm.file)
        let values = (before: given.before.values, after: given.after.values)
        let named = Set(differences.map(\.key) + asked.map(\.ofItsThing)).sorted { $0.precedes($1) }
        keys = named.map { name in
            Key(
                name: name, before: values.before[name], after: values.after[name],
                effect: isRunning ? takes?.effect(on: name) ?? .unknown : .saved,
                included: given.after.includedPlace(of: name))
        }
        live = keys.compactMap { $0.effect == .applied ? takes?.change(of: $0.name) : nil }
    }

    /// Nothing was done yet.
    private static func refusal(_ error: VMError) -> VMError {
        var error = error
        error.details.append("Nothing was changed.")
        return error
    }

    /// What runs, or would go on, writes to the disks that VMs are to stand on.
    private static func refuseTemplate(_ vm: Machine, isRunning: Bool) throws(VMError) {
        if !isRunning, try !vm.isSuspended() { return }
        throw refusal(
            VMError(
                .busy, vm.name.description,
                "\(isRunning ? "it is running" : "it is suspended"), and a template does not run",
                remedy: isRunning ? "stop it first" : "start it and shut it down first"))
    }

    /// Refuses to take away what other VMs stand on, or what keeps it as it is.
    private static func refuseLoss(
        of before: VMParams, by after: VMParams, in context: PlanningContext
    ) throws(VMError) {
        do throws(VMError) {
            if before.template.value, !after.template.value {
                try context.refuseStoodOn(before.disks, of: before) { users in
                    "has to stay a template, as disks of VMs are overlays of its disks: \(users)"
                }
            }
            let lost = before.disks(missingIn: after)
            try context.refuseMaybeStoodOn(after.template.value ? lost : before.disks, of: before)
            try context.refuseStoodOn(lost, of: before) { users in
                let keys = lost.map { "DISK\($0.index)" }.joined(separator: ", ")
                return "would lose \(keys), and disks of VMs are overlays of it: \(users)"
            }
        } catch { throw refusal(error) }
    }

    /// The same of a suspended VM, which could not go on after the change.
    private static func refusal(_ vm: Machine, _ problems: [VMError]) -> VMError {
        refusal(
            VMError(
                .busy, vm.name.description, "it is suspended, and could not go on after this change",
                remedy: .orDiscard("start it first: then the change counts from its next start"),
                details: problems.flatMap(\.details)))
    }

    /// A VM that runs, and what it can take of its file.
    private struct Running {
        let vm: VMDescription
        let differences: [ParamsDifference]
        let started: VMParams?
        let wanted: VMParams

        /// nil if it does not run, or it is not known with what.
        init?(_ vm: VMDescription?, from file: FilePath, toBecome wanted: VMParams) {
            guard let vm, let given = vm.given else { return nil }
            self.vm = vm
            differences = wanted.given.differences(from: GivenKeys(in: given), in: file)
            started = VMParams.parse(Array(given.utf8), file: file).params
            self.wanted = wanted
        }

        func effect(on name: KeyName) -> Effect {
            guard let difference = differences.first(where: { $0.key == name }) else { return .asRunning }
            return change(of: name) == nil ? .pending(running: difference.before) : .applied
        }

        func change(of name: KeyName) -> LiveChange? {
            guard let difference = differences.first(where: { $0.key == name }), let started else { return nil }
            if difference.before == nil, let after = difference.after, vm.derived(name) == after { return .noted }
            return LiveChange(difference, in: started, toBecome: wanted)
        }
    }
}

extension Starting {
    /// What keeps the VM from starting, and what the user should know. Touches nothing.
    fileprivate func verdict(isRunning: Bool) -> (problems: [VMError], notices: [String]) {
        do throws(VMError) {
            let plan = try plan(to: .check(isRunning: isRunning))
            return ([], notices(of: plan))
        } catch { return (obstacles(to: .check(isRunning: isRunning)), []) }
    }
}

extension VMError {
    /// Whether it has the same cause, on whatever line, and no further details.
    fileprivate func isLike(_ other: VMError) -> Bool {
        (code, cause, condition) == (other.code, other.cause, other.condition)
            && details.allSatisfy(other.details.contains)
    }
}
