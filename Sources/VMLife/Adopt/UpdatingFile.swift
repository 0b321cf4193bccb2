import SystemPackage
import VMCore
import VMHost

/// What an old file was given, or would be.
package struct UpdatedFile: Sendable {
    /// What became of a line, and what the user should know.
    package init(lines: [(line: MissingLine, effect: FileChange.Effect)], notices: [String]) {
        (self.lines, self.notices) = (lines, notices)
    }

    /// The lines, with when each of them holds.
    package var lines: [(line: MissingLine, effect: FileChange.Effect)]
    /// What the user should know about the new text.
    package var notices: [String]
}

extension Machine {
    /// Adds the lines to the VM's params file that fix what it is (``VMCore/VMParams/missingLines(_:macs:pinned:)``).
    ///
    /// - Throws: as `changeFile`; why this host's machine-id can't be read.
    package func updateFile(in context: PlanningContext, dryRun: Bool) throws(VMError) -> UpdatedFile {
        var lines: [MissingLine] = []
        let change = try changeFile(in: context, dryRun: dryRun) { text throws(VMError) in
            lines = try missingLines(in: text, context)
            return try ParamsEdit.setting(lines.map { ("\($0.key)", $0.value) }, in: text)
        }
        return UpdatedFile(
            lines: lines.map { line in
                (line, change.keys.first { $0.name == line.key.ofItsThing }?.effect ?? .unknown)
            },
            notices: change.notices)
    }

    private func missingLines(in text: String, _ context: PlanningContext) throws(VMError) -> [MissingLine] {
        let file = try VMFile(text, of: file, context.trust)
        let isRunning = try observe().isAlive ? try runsFromFile : false
        let running = isRunning ? try manifest()?.vm : nil
        let derived = Identity(file.params, machineID: try context.host.machineID.get())
        let today = running?.uuid.flatMap { UUID($0) }.map {
            Identity(uuid: Setting($0, derived.uuid.origin))
        }
        let macs = (running?.nics ?? []).compactMap { nic in nic.mac.map { (nic.index, "\($0)") } }
        let program = try? QEMUProgram(file.params, file.trust)
        let isHostsOwn = try program?.isHostsOwn(file.trust) ?? false
        return file.params.missingLines(
            today ?? derived, macs: Dictionary(macs, uniquingKeysWith: { first, _ in first })
        ) { board in
            // A program that only a params file names is not run to learn a word.
            isHostsOwn ? context.pinned(board) : board
        }
    }
}

extension PlanningContext {
    /// The versioned name behind `q35` or `pc` in the host's QEMU; the word itself if it can't be asked.
    func pinned(_ board: MachineModel) -> MachineModel {
        let facts = try? QEMUProbe(cache: host.cache, credentials: .caller).facts(of: QEMUProgram(nil, trust))
        return facts?.machines[board.description]?.versionedName.flatMap { MachineModel($0) } ?? board
    }
}
