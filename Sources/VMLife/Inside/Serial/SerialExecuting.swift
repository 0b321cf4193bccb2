import Glibc
import VMCore
import VMHost

/// A command that runs in a guest without an agent, by the shell on its serial console.
///
/// What is typed there runs as whoever is logged in. The console is left as it was found.
package final class SerialExecuting {
    private let vm: Machine
    private let command: GuestCommand
    private let line: SerialLine
    private let session: SerialSession
    private let output: SerialOutput
    private let input: SerialInput?
    private var hasLoggedIn = false

    /// The question for news that is not answered yet.
    private var asked: Int?
    /// The command's code, once it has ended.
    private var code: Int32?
    private var hasCode = false
    private var hasEnded = false
    private var early: [GuestSignal] = []
    private var signals = 0

    /// How long what a command has left running may keep its output open.
    private static let linger = Duration.milliseconds(300)
    /// How long there may be no news before the guest is asked whether it is there.
    private static let silence = Duration.seconds(15)

    /// Starts it.
    ///
    /// - Parameters:
    ///   - login: who is logged in if the console asks for that.
    ///   - input: the command's stdin, if it has one.
    ///   - output: what its stdout is written to.
    ///   - errors: what its stderr is written to.
    ///   - begins: is called before the command begins: from then on it has to be ended, too.
    /// - Throws: why it can't be run.
    package init(
        _ command: GuestCommand, in vm: Machine, as login: SerialLogin?, input: CInt?, output: OutputStream,
        errors: OutputStream,
        begins: () -> Void
    ) throws(VMError) {
        let seen = try vm.running(or: "its guest can't be reached")
        try vm.refuseStandstill(seen.state, so: "its guest can't answer")
        (self.vm, self.command) = (vm, command)
        line = try SerialLine(vm)
        let token = Self.token
        self.output = SerialOutput(output, errors)
        self.input = input.map { SerialInput($0) }
        var shell = SerialShell(line, login)
        hasLoggedIn = try shell.reach()
        session = SerialSession(line, token: token)
        begins()
        do throws(VMError) {
            try session.begin(SerialScript(command, token: token), isOwnLogin: hasLoggedIn)
            try refuseOthersShell(login)
        } catch {
            leave(orWarn: { _ in })
            throw error
        }
    }

    private static var token: String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// A shell that was there may be another user's than the one who was to log in.
    private func refuseOthersShell(_ login: SerialLogin?) throws(VMError) {
        guard let login, !hasLoggedIn, let user = session.hello.user, user != login.user,
            login.user != "root" || session.hello.uid != 0
        else { return }
        throw VMError(
            .busy, vm.name.description,
            "\(Printable.quoted(user)) is logged in on its console, not \(Printable.quoted(login.user))",
            remedy: "log out there (\(command: "kvmctl console \(vm.name)")), or leave out --login")
    }

    /// Runs it to its end, and gives the console back.
    ///
    /// - Parameters:
    ///   - timeout: how long it may take; nil: as long as it likes.
    ///   - signal: the next signal to pass on, if one has come.
    ///   - warn: is told what could not be put back.
    package func run(
        timeout: Duration?, signal: @escaping () -> GuestSignal?, warn: (String) -> Void
    ) throws(VMError) -> CommandEnd {
        defer { leave(orWarn: warn) }
        session.isToEnd = { [unowned self] in
            while let signal = signal() { early.append(signal) }
            return early.contains { $0 != .suspend }
        }
        let deadline = timeout.map { Deadline(in: $0) }
        output.limit = timeout.map { Deadline(in: $0 + CommandEnding.lastOutput) }
        var ending: CommandEnding?
        while true {
            try step()
            if let end = try result(ending) { return end }
            if let ending, output.isOverdue, hasCode { return ending.end(code, of: vm.name, isCut: true) }
            if ending == nil, deadline?.hasPassed == true {
                ending = CommandEnding(.terminate, code: nil, timeout: timeout)
            }
            if ending == nil, output.isClosed { ending = CommandEnding(.brokenPipe, code: 128 + SIGPIPE) }
            if !early.isEmpty { try heed(early.removeFirst()) }
            while let signal = signal() {
                try heed(signal)
                if ending == nil, signal == .terminate || signal == .hangup { ending = CommandEnding(after: signal) }
            }
            if !hasCode, try ending?.pursue({ signal throws(VMError) in try pass(signal) }) == false, let ending {
                return try ending.survival(of: vm.name, isCut: output.isOverdue, isPaused: line.isPaused)
            }
        }
    }

    // News

    private func step() throws(VMError) {
        if asked == nil, !hasEnded { try askForNews() }
        let wait: Duration = hasCode || !early.isEmpty ? .milliseconds(50) : .milliseconds(200)
        if let frame = try session.next(in: wait, besides: input?.wanted) {
            try take(frame)
        } else if session.isDoubtful {
            try askForNews()
        } else if session.idle > Self.silence {
            if line.isPaused { session.goOn() } else { _ = try session.ask("ping") }
        }
        if !hasCode { try input?.feed(session) }
    }

    private func askForNews() throws(VMError) {
        // A kernel that panicked says so, and nothing answers any more.
        if case .deadEnd = SerialPrompt(line.progress, of: vm) {
            _ = try session.ask("ping", tries: [.seconds(1), .seconds(3)])
            line.forget()
        }
        let known = [
            output.taken[.out] ?? 0, output.taken[.err] ?? 0, input?.fed ?? 0, hasCode ? 1 : 0, output.blocks,
        ]
        asked = try session.post("news", known.map(String.init))
    }

    private func take(_ frame: SerialFrame) throws(VMError) {
        guard let number = frame.sequence, number == asked else { return }
        asked = nil
        switch frame {
        case .part(let part, let bytes):
            rests = 0
            try output.take(part, bytes, session)
        case .fed(_, let count): input?.fed = max(input?.fed ?? 0, count)
        case .code(_, let code): (hasCode, self.code, lastNews) = (true, code, .now)
        case .end(_, let isCut): (hasEnded, self.isCut) = (true, isCut)
        default: break
        }
    }

    /// Whether some of the output could not be kept in the guest.
    private var isCut = false
    private var lastNews = ContinuousClock.now
    /// How often in succession there was no output left.
    private var rests = 0

    // Signals

    private func heed(_ signal: GuestSignal) throws(VMError) {
        if signal == .suspend { stop() } else { try pass(signal) }
    }

    private func pass(_ signal: GuestSignal) throws(VMError) {
        guard !line.isPaused else { return early.append(signal) }
        let answer = try session.ask("signal", [signal.rawValue, String(signals + 1)])
        if case .early = answer { early.append(signal) } else { signals += 1 }
    }

    /// Stops this process, as Ctrl-Z asks for.
    private func stop() {
        raise(SIGSTOP)
        session.goOn()
    }

    // Its end

    /// How it ended, once it has and all of its output was written.
    private func result(_ ending: CommandEnding?) throws(VMError) -> CommandEnd? {
        if !hasEnded { guard hasCode, try isAtRest() else { return nil } }
        if hasCode, code == nil {
            throw CommandEnding.noDirectory(command.directory, vm.name)
        }
        if let failure = output.failure { throw failure }
        if let failure = input?.failure { throw failure }
        if let ending { return ending.end(code, of: vm.name, isCut: isCut) }
        if isCut { throw CommandEnding.lostOutput(1, vm.name) }
        if let code { return .exited(code) }
        throw CommandEnding.unknown(vm.name)
    }

    /// Whether no output is left, but for what the command has left running: that keeps its output open, and is not waited for.
    private func isAtRest() throws(VMError) -> Bool {
        guard ContinuousClock.now - max(output.lastPiece, lastNews) > Self.linger else { return false }
        lastNews = .now
        if case .done = try session.ask("rest") {
            rests += 1
        } else {
            rests = 0
            // The news of it came before that, or was lost on the way.
            if let asked, !session.has(answerTo: asked) { self.asked = nil }
        }
        return rests > 1
    }

    /// Gives the console back as it was, as far as the guest still answers.
    private func leave(orWarn warn: (String) -> Void) {
        guard !line.isLost else { return }
        guard !line.isPaused else { return warn("it is paused: its console still has what ran the command") }
        do throws(VMError) {
            if session.isRunning { try session.end() }
            if hasLoggedIn, try !SerialShell.leave(line) { warn("its console may still be logged in") }
        } catch {
            if hasLoggedIn { warn("its console may still be logged in") }
        }
    }
}
