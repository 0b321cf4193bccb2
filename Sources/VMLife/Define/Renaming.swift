import Glibc
import SystemPackage
import VMCore
import VMHost

/// Gives a VM that does not run another name.
///
/// Its logs go first, so that the same command, given again, completes what one began that was killed. Then its params
/// file is changed, in one step after which it is good for both places, and it is moved in another: there is always one VM,
/// under the old name or the new.
package struct Renaming {
    /// What is done, in order, for people.
    package var steps: [String] {
        [logs].compactMap(\.self).map { "rename \($0.from) to \($0.to)" }
            + changes.map { "set \(ParamsLine($0.key, $0.value ?? "")) in \(vm.file)" }
            + [move].compactMap(\.self).map { "rename \($0.from) to \($0.to)" }
    }
    /// Where other VMs' files name it, and will go on naming it as it was, for people.
    package let mentions: [String]
    /// Its params file afterwards.
    package let newFile: FilePath
    private let vm: Machine
    private let trust: FileTrust
    private let changes: [(key: String, value: String?)]
    private let move: Move?
    private let logs: Move?

    /// A directory or file that gets another name.
    private struct Move {
        var from: FilePath
        var to: FilePath

        init(_ from: FilePath, to name: String) {
            (self.from, to) = (from, from.removingLastComponent().appending(name))
        }

        var reversed: Move { Move(to, to: from.lastComponent?.string ?? "") }
    }

    /// Plans it. Touches nothing.
    init(_ vm: Machine, to new: VMName, in context: PlanningContext) throws(VMError) {
        let (file, name) = (try context.file(of: vm), "\(new)")
        guard new != vm.name else { throw VMError(.usage, name, "is the name that it has already") }
        guard file.params.name.value == vm.name else {
            throw VMError(
                .busy, "\(vm.name)", "its file now says NAME=\(file.params.name.value)",
                remedy: "look at the file, and name the VM by that name")
        }
        try Self.refuseRunning(vm, try vm.observe().isAlive)
        try Self.refuseSuspended(vm)
        try Self.refuseEnabled(vm)
        try vm.site.refuseTaken(new)
        let place = try Self.place(of: vm)
        move = place.map { Move($0, to: $0 == vm.file ? "\(name).params" : name) }
        newFile = move.map { $0.from == vm.file ? $0.to : $0.to.appending("vm.params") } ?? vm.file
        var changes: [(key: String, value: String?)] = []
        if let move {
            try Self.refuseTaken(move.to)
            if file.params.uuid == nil {
                // Else it is derived from the path.
                let identity = Identity(file.params, machineID: try context.host.machineID.get())
                changes.append(("UUID", identity.uuid.value.description))
            }
            if move.from != vm.file {
                changes += try file.params.pathsMadeRelative(to: move.from)
                try Self.refuseOthers(below: move.from, besides: vm, in: context)
            }
        }
        if move == nil || file.params.given.values[KeyName(.name)] != nil { changes.append(("NAME", name)) }
        let (oldLogs, newLogs) = (vm.paths.logs(vm.name), vm.paths.logs(new))
        let areOwn = try Self.isThere(oldLogs) ? try vm.lastOther() == nil : false
        let areMoved = areOwn ? try !Self.isThere(newLogs) : false
        logs = areMoved ? Move(oldLogs, to: name) : nil
        (self.vm, trust, self.changes) = (vm, context.trust, changes)
        mentions = context.mentions(of: vm)
    }

    /// Renames it.
    ///
    /// - Returns: what remains to be done by hand. The VM has its new name in any case.
    /// - Throws: why it can't be renamed; all is as it was then.
    package func rename() throws(VMError) -> [VMError] {
        try vm.operate { () throws(VMError) in
            try Self.refuseRunning(vm, try vm.settle().isAlive)
            try Self.refuseSuspended(vm)
            if let logs { try carryOut(logs, vm.site.trust()) }
            do throws(VMError) { try renameVM() } catch {
                if let logs { try? carryOut(logs.reversed, vm.site.trust()) }
                throw error
            }
            return rest
        }
    }

    private func renameVM() throws(VMError) {
        var before: String?
        try vm.rewriteFile(trust: trust) { text throws(VMError) in
            before = text
            return try ParamsEdit.setting(changes, in: text)
        }
        do throws(VMError) { if let move { try carryOut(move, trust.forFile(vm.file)) } } catch {
            if let before { try vm.rewriteFile(trust: trust) { _ in before } }
            throw error
        }
    }

    /// What is left to do when it has its new name; why that failed.
    private var rest: [VMError] {
        var failures: [VMError] = []
        do throws(VMError) {
            try vm.site.noted.note([newFile])
            if newFile != vm.file { try vm.site.noted.forget(vm.file) }
        } catch { failures.append(error) }
        do throws(Errno) { if let move { try syncDirectory(move.to.removingLastComponent()) } } catch {
            failures.append(.system(error, newFile.string, "the new name may not survive a power cut"))
        }
        do throws(VMError) { try vm.directory.remove() } catch { failures.append(error) }
        return failures
    }

    private func carryOut(_ move: Move, _ trust: FileTrust) throws(VMError) {
        do throws(PathWalk.Failure) {
            let found = try trust.find(move.from)
            do throws(Errno) {
                guard let name = move.to.lastComponent else { throw .invalidArgument }
                try found.rename(to: name)
            } catch { throw .system(error, move.from) }
        } catch {
            switch error {
            case .system(.fileExists, _): try Self.refuseTaken(move.to)
            case .system(let errno, _): throw .system(errno, move.from.string, "can't be renamed")
            case .distrusted(let distrust): throw distrust.refusal(toUse: move.from, at: "\(vm.file)")
            }
        }
    }
}

// What it depends on.
extension Renaming {
    /// What was saved of its memory may be found by the name of its params file, which changes.
    private static func refuseSuspended(_ vm: Machine) throws(VMError) {
        guard try vm.isSuspended() else { return }
        throw VMError(.busy, vm.name.description, "is suspended", remedy: "start it and shut it down first")
    }

    /// The service manager starts it by its name.
    private static func refuseEnabled(_ vm: Machine) throws(VMError) {
        guard try vm.site.enabledNames().contains(vm.name) else { return }
        throw VMError(
            .busy, vm.name.description, "systemd starts it with the host, by its name",
            remedy: .run("disable it first, and enable it by its new name", "kvmctl disable \(vm.name)"))
    }

    /// The VM's own directory under a root, or its file there, if that has its name; nil if that says nothing of its name,
    /// or is a link, which leads elsewhere.
    private static func place(of vm: Machine) throws(VMError) -> FilePath? {
        do throws(Errno) { if try Definitions.isLinked(vm.file) { return nil } } catch {
            throw .system(error, vm.file.string, "can't be accessed")
        }
        let directory = vm.file.removingLastComponent()
        if vm.file.lastComponent == "vm.params", directory.lastComponent?.string == "\(vm.name)" {
            return vm.paths.roots.contains(directory.removingLastComponent()) ? directory : nil
        }
        let isNamed = vm.file.lastComponent?.string == "\(vm.name).params"
        return isNamed && vm.paths.roots.contains(directory) ? vm.file : nil
    }

    private static func refuseRunning(_ vm: Machine, _ isAlive: Bool) throws(VMError) {
        guard isAlive, try vm.runsFromFile else { return }
        throw VMError(.busy, "\(vm.name)", "it is running", remedy: "stop it first")
    }

    private static func isThere(_ path: FilePath) throws(VMError) -> Bool {
        do throws(Errno) { return try VMHost.isThere(path) } catch {
            throw .system(error, path.string, "can't tell whether it exists")
        }
    }

    private static func refuseTaken(_ path: FilePath) throws(VMError) {
        guard RunFileOwnership.ownStatus(of: path) != nil else { return }
        throw VMError(
            .cannotCreate, path.string, "exists already", remedy: "choose another name")
    }

    /// Refuses to take files away that another VM's file names.
    private static func refuseOthers(
        below directory: FilePath, besides vm: Machine, in context: PlanningContext
    ) throws(VMError) {
        for file in vm.site.definitions().files where file != vm.file {
            guard let params = try? context.glance(at: file) else { continue }
            let paths = params.namedPaths.map { $0.lexicallyNormalized() }
            if let path = paths.first(where: { $0.starts(with: directory) }) {
                throw VMError(
                    .busy, "\(vm.name)", "\(file) uses \(path), which would have another path",
                    remedy: "move that file elsewhere first, and name it there in both files")
            }
        }
    }
}

extension VMParams {
    /// The changes after which the file names what is below its directory without that directory's name.
    ///
    /// - Throws: `.busy` if a value names the directory in another way.
    fileprivate func pathsMadeRelative(to directory: FilePath) throws(VMError) -> [(key: String, value: String?)] {
        let prefix = "\(directory)/"
        var changes: [(key: String, value: String?)] = []
        for (name, value) in given.values.sorted(by: { $0.key.precedes($1.key) }) where value.contains(prefix) {
            switch name.key {
            case .append, .description: continue
            case .diskBacking:
                let layers = value.split(separator: BackingList.separator, omittingEmptySubsequences: false)
                let made = layers.map { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : String($0) }
                changes.append(("\(name)", made.joined(separator: String(BackingList.separator))))
            case .disk, .cdrom, .kernel, .initrd, .vncPasswordFile, .cloudInitUserData,
                .cloudInitNetwork:
                guard value.hasPrefix(prefix) else { continue }
                changes.append(("\(name)", String(value.dropFirst(prefix.count))))
            default:
                throw VMError(
                    .busy, "\(file): \(name)", "names \(directory), which would have another name",
                    remedy: "change that value first")
            }
        }
        return changes
    }
}

extension Machine {
    /// A new name for it. Nothing is done yet.
    ///
    /// - Throws: why it can't have that name.
    package func renaming(to new: VMName, in context: PlanningContext) throws(VMError) -> Renaming {
        try Renaming(self, to: new, in: context)
    }
}
