import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// Takes over a QEMU that kvmctl did not start, without a restart: its params file, and the lock by which kvmctl knows that it
/// runs.
package struct Adopting {
    /// The VM that it becomes.
    package let vm: Machine
    /// Its process.
    package let process: ForeignProcess
    /// What it is in the terms of vm.params.
    package let machine: AdoptedMachine
    /// The text of its params file.
    package let text: String
    /// What keeps it from being started again from that file, and what the user should know.
    package let notices: [String]
    /// Why it can't be given the lock; nil: it can.
    package let obstacle: VMError?
    let creating: Creating
    let usesKVM: Bool
    let monitor: FilePath?

    /// How long QEMU may take to answer.
    static let patience = Duration.seconds(3)
}

extension Site {
    /// An adoption. Nothing is done yet.
    ///
    /// - Parameters:
    ///   - pid: the process.
    ///   - word: what to call it, or where to make it, as for `create`; nil: its own name.
    ///   - name: its name; nil: that of the place.
    /// - Throws: why the process can't be adopted at all, or the place is taken.
    package func adopting(
        _ pid: Int32, at word: String?, name: VMName?, in context: PlanningContext
    ) throws(VMError) -> Adopting {
        let process = try ForeignProcess(pid: pid)
        try refuse(process, context.trust)
        var facts = try facts(of: process, context)
        let monitor = AdoptedMachine(facts).askedMonitor(of: process, for: &facts)
        var machine = AdoptedMachine(facts)
        let (place, name) = try self.place(of: machine, word, name, pid, context)
        let file = place.directory.appending("vm.params")
        let text = try machine.text(
            name: name, file: file, comment: "Made by kvmctl adopt of a QEMU, pid \(pid). Every key: vm.params(5).")
        let vm = Machine(name: name, file: file, site: self)
        let read = try VMFile(text, of: file, context.trust)
        let obstacles = Starting(read, of: vm, in: context).obstacles(to: .check(isRunning: true))
        return Adopting(
            vm: vm, process: process, machine: machine, text: text,
            notices: read.warnings + otherSlots(read.params) + notOpen(read.params, process)
                + (try notNamed(read.params, machine, facts)) + (try twins(read.params, context))
                + obstacles.map { "its next start would fail: \($0)" },
            obstacle: monitor.obstacle,
            creating: Creating(text, read.params, at: place, in: context),
            usesKVM: facts.usesKVM ?? false, monitor: monitor.place)
    }

    /// What names devices by their slots finds them elsewhere.
    private func otherSlots(_ params: VMParams) -> [String] {
        guard !params.nics.isEmpty else { return [] }
        return [
            "from its next start its devices sit in other slots of the board: its guest may give network cards other names "
                + "(ens3)"
        ]
    }

    /// What was attached while it ran is in no command line.
    ///
    /// - Throws: `.busy` if it took the place of a disk that is, as a live snapshot does: the next start would go back to
    ///   that.
    private func notNamed(
        _ params: VMParams, _ machine: AdoptedMachine, _ facts: AdoptionFacts
    ) throws(VMError) -> [String] {
        let images = params.disks.map(\.path.value) + params.cdroms.compactMap(\.path.value)
        let named = Set(images.map { FilePlace(of: $0) })
        let others = facts.formats.keys.sorted().filter { file in
            // That of -snapshot has no name.
            (try? isThere(FilePath(file))) == true && !named.contains(FilePlace(of: FilePath(file)))
                && !machine.losses.contains { $0.argument.contains(file) }
        }
        let open = Set(facts.formats.keys.map { FilePlace(of: FilePath($0)) })
        if let other = others.first,
            let disk = params.disks.first(where: { !open.contains(FilePlace(of: $0.path.value)) })
        {
            throw VMError(
                .busy, params.name.value.description,
                "its QEMU no longer writes to \(disk.path.value), which its command line names: it has "
                    + Printable.escaped(other),
                remedy: "merge a live snapshot into its disk first (block-commit of QMP); nothing was written")
        }
        return others.map {
            "it has \(Printable.escaped($0)) too, which its command line does not name: its file lacks it"
        }
    }

    private func twins(_ params: VMParams, _ context: PlanningContext) throws(VMError) -> [String] {
        guard let uuid = params.uuid?.value.description else { return [] }
        return try context.all.holders(of: .uuid(uuid)).prefix(1).map {
            "\($0) has the same UUID, \(uuid): give one of them another"
        }
    }

    /// Its images are files that it has open, unless they were replaced, or its paths are not what they were for it.
    private func notOpen(_ params: VMParams, _ process: ForeignProcess) -> [String] {
        params.disks.filter { !process.hasOpen($0.path.value) }.map {
            "DISK\($0.index): \($0.path.value) is not a file that pid \(process.identity.pid) has open: look which one it is"
        }
    }

    private func place(
        of machine: AdoptedMachine, _ word: String?, _ name: VMName?, _ pid: Int32, _ context: PlanningContext
    ) throws(VMError) -> (NewVMPlace, VMName) {
        let own = machine.givenName.flatMap { VMName($0) }
        guard let word = word ?? (name ?? own)?.description else {
            let cause = machine.givenName.map { "its -name, \(Printable.quoted($0)), can't be a VM's name" }
            throw VMError(
                .usage, "pid \(pid)", cause ?? "nothing says what to call it",
                remedy: .run("name it", "kvmctl adopt \(pid) NAME"))
        }
        let place = try self.place(forNew: word, in: context)
        if let name { try refuseTaken(name) }
        guard let name = name ?? VMParams.defaultName(of: place.directory.appending("vm.params")) else {
            throw VMError(
                .usage, place.directory.string, "can't be a VM's name", remedy: "give one with --name NAME")
        }
        return (place, name)
    }

    /// What is known of it without asking it.
    private func facts(of process: ForeignProcess, _ context: PlanningContext) throws(VMError) -> AdoptionFacts {
        var facts = AdoptionFacts(words: process.words, directory: process.directory?.string, newUUID: .random())
        (facts.taps, facts.unreadableWords) = (process.taps, process.unreadableWords)
        for board in [MachineModel.pc, .q35] { facts.pinned[board.description] = "\(context.pinned(board))" }
        let own = try? QEMUProgram(nil, context.trust)
        if !process.runs(own?.path) { facts.program = process.program.withoutMark.string }
        do throws(NetworkError) {
            var socket = try RouteSocket()
            let links = try socket.linkState().links
            for link in links {
                let bridge = links.first { $0.index == link.controller && $0.kind == "bridge" }
                if let bridge { facts.bridges[link.name] = bridge.name }
            }
        } catch {
            throw VMError(.unavailable, "pid \(process.identity.pid)", "the host's links can't be read: \(error)")
        }
        return facts
    }
}

extension ForeignProcess {
    /// Whether its program is the one at a path, or was until an upgrade replaced it.
    fileprivate func runs(_ path: FilePath?) -> Bool {
        guard let path, let there = RunFileOwnership.realPath(path) else { return false }
        return there == program.withoutMark
    }
}

extension FilePath {
    /// Without what the kernel appends to the name of a file that was removed.
    fileprivate var withoutMark: FilePath {
        let mark = " (deleted)"
        return string.hasSuffix(mark) ? FilePath(String(string.dropLast(mark.count))) : self
    }
}
