import SystemPackage
import VMCore
import VMHost

// What all changes to devices have in common.

extension Machine {
    /// Runs `body` while no other command changes the VM; without a lock if nothing is to be changed.
    ///
    /// - Parameter body: is given the machine, if it runs and is to be changed.
    func whileChanging<Result>(
        _ request: ChangeRequest, _ body: (RunningMachine?) throws(VMError) -> Result
    ) throws(VMError) -> Result {
        try refuseEphemeral()
        return try whileChangingOwn(request, body)
    }

    /// The same for a run too, which alone changes its VM.
    func whileChangingOwn<Result>(
        _ request: ChangeRequest, _ body: (RunningMachine?) throws(VMError) -> Result
    ) throws(VMError) -> Result {
        func change() throws(VMError) -> Result {
            let running = try RunningMachine(self, request)
            if running == nil { try refuseIfSuspended() }
            return try body(running)
        }
        return try request.isDryRun ? change() : operate(change)
    }

    /// A saved machine has the devices that it had, and its start goes on with no others.
    private func refuseIfSuspended() throws(VMError) {
        guard try !observe().isAlive, try isSuspended() else { return }
        throw VMError(
            .busy, name.description, "it is suspended, and could not go on with other devices",
            remedy: .orDiscard("start it first: then it can be changed while it runs"))
    }

    /// Changes the file, then the machine. If the machine can't be changed, the file is as it was.
    ///
    /// In this order, because writing the old text again needs nobody's consent, and a guest may refuse to give a device
    /// back. A command that is killed in between leaves what the file says for the next start.
    ///
    /// - Parameter isLive: whether the running machine is changed too, so that the edits are not pending.
    /// - Returns: the edits that made a difference.
    @discardableResult
    func change(
        _ edits: [ParamsEdit], _ trust: FileTrust?, isLive: Bool, machine: () throws(VMError) -> Void = {}
    ) throws(VMError) -> [ParamsEdit] {
        var before: String?
        var made: [ParamsEdit] = []
        if !edits.isEmpty {
            try rewriteFile(trust: trust) { text throws(VMError) in
                before = text
                let document = ParamsDocument(Array(text.utf8))
                made = edits.filter { $0.value != document.value(of: $0.key) }
                return try changed(text, by: edits)
            }
        }
        do throws(VMError) { try machine() } catch {
            guard let before else { throw error }
            var failure = error
            do throws(VMError) { try rewriteFile(trust: trust) { _ in before } } catch {
                failure.details.append("the file is changed all the same, for the next start: \(error.summary)")
            }
            throw failure
        }
        do throws(VMError) { if isLive { try noteGiven(edits) } } catch {
            var failure = error
            failure.details.append("what was asked for is done all the same, in the machine and in its file")
            throw failure
        }
        return made
    }

    /// Refuses edits that the file does not allow, before the guest is asked for anything.
    func check(_ edits: [ParamsEdit], _ trust: FileTrust?) throws(VMError) {
        guard !edits.isEmpty else { return }
        try rewriteFile(trust: trust) { text throws(VMError) in
            _ = try changed(text, by: edits)
            return text
        }
    }

    private func changed(_ text: String, by edits: [ParamsEdit]) throws(VMError) -> String {
        let new = try ParamsEdit.applying(edits, to: text)
        try VMFile.check(new, as: file)
        return new
    }

    /// The host, for devices that are plugged. What other VMs use counts, as at a start.
    func facts(for params: VMParams, _ file: VMFile, _ request: ChangeRequest) throws(VMError) -> HostFacts {
        let probe = HostProbe(context: request.context, trust: file.trust, isLooking: request.isDryRun)
        var facts = probe.facts(for: params, options: StartOptions())
        if !params.nics.isEmpty {
            facts.otherVMs = try request.context.all
        } else if facts.images.values.contains(where: \.isLocked) {
            facts.otherVMs = OtherVMs(try site.otherRunningVMs())
        }
        return facts
    }

    /// Plans to plug the only device of `params`.
    ///
    /// - Parameters:
    ///   - running: the machine that it goes into; nil: none does now, and only what would refuse it is looked for.
    ///   - isWritten: whether something is going to write to it; else a template may have what others stand on.
    func plugPlan(
        _ params: VMParams, into running: RunningMachine?, _ file: VMFile, _ request: ChangeRequest,
        isWritten: Bool = false
    ) throws(VMError) -> PlugPlan {
        var facts = try facts(for: params, file, request)
        if !isWritten, running == nil, file.params.template.value { facts.forgetWriting() }
        let place = try running?.hardware.place(in: name) ?? .bus("")
        do throws(PlanRefusal) {
            return try PlugPlan(params, into: running?.hardware ?? RunningHardware(), at: place, facts: facts)
        } catch { throw error.error(of: params.file) }
    }
}

extension FilePath {
    /// As a params file has it: relative, if it is in the file's own directory.
    func value(in file: VMFile) -> String {
        let directory = file.params.file.removingLastComponent().string + "/"
        let rest = string.dropFirst(directory.count)
        return string.hasPrefix(directory) && !rest.isEmpty ? String(rest) : string
    }
}
