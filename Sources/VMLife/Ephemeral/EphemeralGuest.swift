import Glibc
import VMCore
import VMHost

// What is done inside the guest.
extension EphemeralRun {
    /// How a command gets into the guest.
    enum Way {
        case agent(AgentTurns)
        case console

        var isAgent: Bool { if case .agent = self { true } else { false } }
    }

    /// How long an agent may take to answer in a guest that is up.
    private static let agentsDelay = Duration.seconds(5)

    /// The same if there is no other way.
    private static let lateAgentsDelay = Duration.seconds(60)

    private var bootDeadline: Deadline { deadline ?? Deadline(in: Self.boot) }

    /// Waits until the guest is up, and finds out what listens there.
    func wayInside() throws(VMError) -> Way {
        let end = bootDeadline
        let booted = try wait(for: wish.usesConsole ? [.shell] : [.agent, .shell, .boot], by: end)
        if wish.usesConsole { return .console }
        if booted.evidence.agent == .answers { return .agent(AgentTurns(vm)) }
        // A login prompt leads nowhere: only the agent is left to wait for.
        let isAsked = wish.login == nil && SerialPrompt(booted.evidence.console, of: vm) == .login
        let patience = Deadline(in: min(end.remaining, isAsked ? Self.lateAgentsDelay : Self.agentsDelay))
        do throws(VMError) {
            _ = try wait(for: [.agent], by: patience)
            return .agent(AgentTurns(vm))
        } catch  where error.code == .timedOut && !isAsked && !signals.isInterrupted {
            return .console
        }
    }

    private func wait(for conditions: [WaitCondition], by end: Deadline) throws(VMError) -> WaitOutcome {
        let waiting = vm.waiting(for: .init(conditions, any: true))
        var outcome = try waiting.outcome(by: end) { signals.isInterrupted }
        // Of a VM that is about to be removed, there is no picture, and nothing to be looked at.
        if !wish.keepsOnFailure { outcome.picture = nil }
        if var problem = outcome.problem {
            if !wish.keepsOnFailure { problem.remedy = outcome.diagnosis?.remedy }
            // Such as that there is no KVM, and all takes longer.
            problem.details += notices
            throw problem
        }
        return outcome
    }

    /// Runs the command to its end.
    func execute(
        by way: Way, _ streams: Streams, _ input: (inout GuestCommand) throws(VMError) -> PieceSource?
    ) throws(VMError) -> CommandEnd {
        try refuseInterrupted()
        var command = wish.command
        let timeout = deadline?.remaining
        switch way {
        case .agent(let turns):
            let source = try input(&command)
            let execution = try Executing(
                command, in: vm, input: source, output: streams.output, errors: streams.errors, file: nil,
                by: turns)
            return try execution.run(timeout: timeout) { nextSignal() }
        case .console:
            let hasInput = !wish.hasNoInput && !GivenStream.isNull(STDIN_FILENO)
            command.input = hasInput ? .pieces : .none
            let execution = try SerialExecuting(
                command, in: vm, as: wish.login, input: hasInput ? STDIN_FILENO : nil, output: streams.output,
                errors: streams.errors
            ) {}
            return try execution.run(timeout: timeout, signal: { [unowned self] in nextSignal() }, warn: { _ in })
        }
    }

    /// What the command is told now. Its VM is ended if QEMU has halted it because of a disk: nobody would make it go on.
    private func nextSignal() -> GuestSignal? {
        if diskLook.hasPassed, diskFailure == nil {
            diskLook = Deadline(in: .seconds(1))
            let seen = vm.observe()
            if seen.state == .paused, let failure = seen.diskFailure {
                diskFailure = failure
                signals.cutPower()
            }
        }
        return signals.next()
    }

    private func refuseInterrupted() throws(VMError) {
        if signals.isInterrupted { throw VMError(.busy, vm.name.description, "interrupted") }
        if deadline?.hasPassed == true { throw overrun }
    }

    // Files

    /// Copies what the command needs.
    func copyIn(by way: Way) throws(VMError) {
        guard way.isAgent || wish.copiesIn.isEmpty && wish.copiesOut.isEmpty else {
            throw VMError(
                .unavailable, vm.name.description, "no guest agent answers, and files are copied by that alone",
                remedy: "have qemu-guest-agent run in the guest")
        }
        for copy in wish.copiesIn {
            try refuseInterrupted()
            var copying = CopyingIn([copy.from], to: vm, copy.to, options, watch: watch(until: deadline))
            let result = try copying.run()
            if let failure = result.failures.first { throw failure }
        }
    }

    /// How long the last copies may take after the run's time is up.
    private static let lastCopies = Duration.seconds(30)

    /// Copies what the command has left, also if it failed.
    func copyOut(_ outcome: inout Outcome) {
        guard outcome.mayCopyOut, signals.first == nil else { return }
        let end = deadline.map { Deadline(in: $0.remaining + Self.lastCopies) }
        for copy in wish.copiesOut {
            do throws(VMError) {
                var copying = CopyingOut(
                    [copy.from], of: vm, to: copy.to, options, context.trust, watch: watch(until: end))
                outcome.problems += try copying.run().failures
            } catch { outcome.problems.append(error) }
        }
        if outcome.code == 0, !outcome.problems.isEmpty { outcome.code = CommandEnd.ownFailure }
    }

    private var options: CopyOptions {
        var options = CopyOptions()
        options.isRecursive = true
        return options
    }

    private func watch(until end: Deadline?) -> CopyWatch {
        CopyWatch(
            signal: { [signals] in signals.next() },
            isInterrupted: { [signals] in signals.isInterrupted || end?.hasPassed == true }, progress: { _ in })
    }

    // Failures

    /// The error of a run whose time is up: how far it got, and what the guest shows.
    var overrun: VMError {
        var error = VMError(
            .timedOut, vm.name.description,
            "the command took longer than \((wish.timeout ?? .zero).components.seconds) s, and was ended")
        if let evidence = try? vm.look() {
            error.details = ["the last stage it reached: \(evidence.stage.words)"] + evidence.summary(of: [])
            if let cause = evidence.likelyCause(of: [.boot])?.cause { error.details.append("likely: \(cause)") }
        }
        return error
    }

    /// The same error, with what the guest has said last, if it is no longer there to be asked.
    func explained(_ error: VMError) -> VMError {
        if let diskFailure {
            let hasNoRoom = if case .noSpace = diskFailure { true } else { false }
            return VMError(
                .cannotCreate, vm.name.description, "QEMU halted the guest: \(diskFailure)",
                remedy: hasNoRoom
                    ? "set TMPDIR to a directory with room for what the guest writes to its disks"
                    : "\(diskFailure.remedy)")
        }
        guard signals.first == nil, error.details.isEmpty, let evidence = try? vm.look() else { return error }
        var error = error
        if let diagnosis = evidence.deadEnd {
            error.details.append(diagnosis.cause)
            if let line = diagnosis.line {
                error.details.append("it says: \(Printable.foreign(Printable.excerpt(line, limit: 160)))")
            }
        } else {
            error.details += evidence.summary(of: [])
        }
        return error
    }
}
