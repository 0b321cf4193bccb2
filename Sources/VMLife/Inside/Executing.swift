import Glibc
import VMCore
import VMHost

/// A command that runs in a guest, by its agent, with its input and output.
///
/// The agent itself reports at exit only, and keeps at most 16 MB (guest-exec, docs/interop/qemu-ga-ref). That does for a command
/// that ends at once. The output of one that goes on is moved to files in the guest that are read while they grow, and emptied
/// before they become large. They are in /run/kvmctl, which only the guest's root can enter.
package final class Executing {
    private let vm: Machine
    private let command: GuestCommand
    private let turns: AgentTurns
    private let streams: GuestStreams

    /// Signals that came before the command had begun.
    private var early: [GuestSignal] = []
    /// Whether what the command has left running was told to let go of its output.
    private var hasLetGo = false
    /// Whether the VM was paused when the agent did not answer.
    private var isStalled = false
    /// How long the guest took to start it, as far as that counts.
    private let pace: Duration
    /// How often in succession the agent did not answer.
    private var failures = 0

    /// The most that a guest's pace counts for.
    private static let longestPace = Duration.milliseconds(20)
    /// How long what a command has left running may keep its output open.
    private static let linger = Duration.milliseconds(300)

    /// Starts it.
    ///
    /// - Parameters:
    ///   - input: where the pieces of its input come from.
    ///   - output: what its stdout is written to.
    ///   - errors: what its stderr is written to.
    ///   - limit: how long it may take to begin; nil: as long as an agent needs.
    /// - Throws: why it can't be run.
    package convenience init(
        _ command: GuestCommand, in vm: Machine, input: PieceSource?, output: OutputStream, errors: OutputStream,
        within limit: Duration?
    ) throws(VMError) {
        try self.init(command, in: vm, input: input, output: output, errors: errors, file: nil, within: limit)
    }

    /// The same, while the agent reads or writes a file that it holds open, or by a connection that was used before.
    init(
        _ command: GuestCommand, in vm: Machine, input: PieceSource?, output: OutputStream, errors: OutputStream,
        file: HeldFile?, by turns: AgentTurns? = nil, within limit: Duration? = nil
    ) throws(VMError) {
        let seen = try vm.running(or: "its guest can't be reached")
        try vm.refuseStandstill(seen.state, so: "its guest agent can't answer")
        (self.vm, self.command) = (vm, command)
        let turns = turns ?? AgentTurns(vm)
        self.turns = turns
        turns.limit = limit.map { Deadline(in: $0) }
        var start = ExecutionStart(command, of: vm, turns)
        let (shell, kept) = try start.begin()
        pace = min(start.pace, Self.longestPace)
        streams = GuestStreams(
            turns, start, command, shell: shell, kept: kept, from: input, to: output, errors, besides: file)
    }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - timeout: how long it may take; nil: as long as it likes.
    ///   - signal: the next signal to pass on, if one has come.
    /// - Throws: what became of it if that is not known.
    package func run(timeout: Duration?, signal: () -> GuestSignal?) throws(VMError) -> CommandEnd {
        let deadline = timeout.map { Deadline(in: $0) }
        let limit = timeout.map { Deadline(in: $0 + CommandEnding.lastOutput) }
        (streams.limit, turns.limit) = (limit, limit)
        var ending: CommandEnding?
        // What takes the guest so long to start does not end sooner, and each question keeps it from that.
        pause(pace)
        let shortest = max(.milliseconds(1), pace / 4)
        var interval = shortest
        while true {
            let moved: Bool
            do throws(VMError) { moved = try step() } catch {
                guard let ending, streams.isOverdue else { throw error }
                return try ending.survival(of: vm.name, isCut: true, isPaused: turns.isPaused)
            }
            if let end = try result(ending) { return end }
            if let failure = streams.keepingFailure {
                try pass(.kill)
                throw failure
            }
            // What it left running may hold its output open, and is waited for no longer than the output of one that is ended.
            if ending == nil, deadline?.hasPassed == true, streams.code == nil || streams.isOverdue {
                ending = CommandEnding(.terminate, code: nil, timeout: timeout)
            }
            if ending == nil, streams.isClosed { ending = CommandEnding(.brokenPipe, code: 128 + SIGPIPE) }
            if streams.shell != nil, !early.isEmpty { try pass(early.removeFirst()) }
            while let signal = signal() {
                if signal == .suspend { stop() } else { try pass(signal) }
                if ending == nil, signal == .terminate || signal == .hangup { ending = CommandEnding(after: signal) }
            }
            if try ending?.pursue({ signal throws(VMError) in try pass(signal) }) == false, let ending {
                return try ending.survival(of: vm.name, isCut: streams.isLeft, isPaused: turns.isPaused)
            }
            turns.giveWay()
            interval = moved ? shortest : min(interval * 5 / 4, .milliseconds(100))
            streams.wait(interval)
        }
    }

    /// Moves what there is, once. Whether there may be more by now.
    private func step() throws(VMError) -> Bool {
        if isStalled {
            guard !turns.isPaused else { return false }
            isStalled = false
        }
        do throws(GuestAgent.Failure) {
            let moved = try streams.move()
            failures = 0
            return moved
        } catch {
            try recover(from: error)
            return false
        }
    }

    /// Goes on after a failure that passes.
    private func recover(from failure: GuestAgent.Failure) throws(VMError) {
        switch failure {
        case .taken: return
        case .refused(let words?) where words.contains("frozen"): pause(.milliseconds(200))
        case .silent where turns.isPaused: isStalled = true
        case .silent where failures == 0: failures += 1
        default: throw turns.loss(failure, of: "the command")
        }
    }

    // Signals

    /// Passes a signal on to the command, once that has begun, or, with `kill`, ends all of it.
    private func pass(_ signal: GuestSignal) throws(VMError) {
        let parents = signal == .kill ? streams.shells : streams.shell.map { [$0] } ?? []
        guard !parents.isEmpty else { return early.append(signal) }
        // Nobody would hear it, and an agent that does not answer takes its time.
        if turns.isPaused {
            isStalled = true
            return
        }
        do throws(GuestAgent.Failure) {
            let words = parents.map(String.init).joined(separator: " ")
            let wasHeard =
                try turns.run(GuestSignal.script, [signal.rawValue, words, signal.passedOver(by: command)]) == 0
            // The shell has not begun it yet.
            if !wasHeard, signal != .kill, streams.code == nil { early.append(signal) }
        } catch { try recover(from: error) }
    }

    /// Stops this process, as Ctrl-Z asks for; others can have the agent meanwhile.
    private func stop() {
        streams.rest()
        raise(SIGSTOP)
    }

    // Its end

    /// Whether what holds the output open can be made to let go of it, and nothing that the command wrote is lost by that.
    private func mayLetGo() throws(VMError) -> Bool {
        do throws(GuestAgent.Failure) { return try streams.isAtRest() } catch {
            try recover(from: error)
            return false
        }
    }

    /// How it ended, once it has and all of its output was written.
    private func result(_ ending: CommandEnding?) throws(VMError) -> CommandEnd? {
        guard streams.hasEnded, streams.isDrained || ending != nil && streams.isOverdue else {
            let isQuiet = ContinuousClock.now - streams.quietSince > Self.linger
            // What the command has left running keeps its output open, and is not waited for. What it wrote itself is: a busy
            // guest may not have moved that yet.
            if streams.code != nil, streams.isDrained, isQuiet, !hasLetGo, try mayLetGo() {
                hasLetGo = true
                try pass(.kill)
            }
            return nil
        }
        let isCut = streams.isLeft
        if command.isLast { turns.end() } else { streams.close() }
        if let lack = streams.lack { throw VMError.lack(lack, of: command, in: vm.name) }
        if let failure = streams.failure { throw failure }
        if let ending { return ending.end(streams.code, of: vm.name, isCut: isCut) }
        if let code = streams.cut, !hasLetGo { throw CommandEnding.lostOutput(code, vm.name) }
        if streams.hasOverflown { throw CommandEnding.overflow(vm.name) }
        if let code = streams.code { return .exited(code) }
        // After a reboot the shell's pid may be that of another process which the agent has started.
        if let end = try turns.end(of: "the command") { throw end }
        throw CommandEnding.unknown(vm.name, streams.lastWords)
    }
}

extension VMError {
    /// Why a command was not begun.
    fileprivate static func lack(_ notice: GuestNotice, of command: GuestCommand, in vm: VMName) -> VMError {
        switch notice {
        case .lostUser: noUser(command.user ?? "", in: vm)
        case .lostPipes:
            VMError(
                .unavailable, vm.description, "the guest's /bin/sh has no way to make pipes, and nothing was executed",
                remedy:
                    "mount /proc in it, and if its sh is an old bash, link /dev/fd to /proc/self/fd; or use dash or busybox"
            )
        case .lostTerminal:
            VMError(
                .unavailable, vm.description,
                "the guest can't give the command a terminal: that takes script(1) and /dev/pts",
                remedy: "install util-linux in it, or leave out --tty")
        default: CommandEnding.noDirectory(command.directory, vm)
        }
    }

    /// A command was to run as a user that the guest does not have.
    static func noUser(_ user: String, in vm: VMName) -> VMError {
        VMError(.notFound, vm.description, "the guest has no user \(Printable.quoted(user))")
    }
}
