import Glibc
import SystemPackage
import VMCore
import VMHost

/// The streams of a command in a guest. What it writes comes with its end, if that comes at once, and else as the keepers get it;
/// what it reads goes the other way. And what its scripts tell meanwhile.
final class GuestStreams {
    private let turns: AgentTurns
    private let start: ExecutionStart
    /// The agent's child: the shell with the command's script.
    let pid: Int64
    private var kept: KeptOutput?
    private var output: OutputStream
    private var errors: OutputStream
    private let source: PieceSource?
    private let file: HeldFile?
    /// When the output is to be kept as it comes.
    private let keepingStart: Deadline

    /// The parent of the command; nil: that is told.
    private(set) var shell: Int64?
    /// The command's code, once it has ended.
    private(set) var code: Int32?
    /// Whether the shell has ended.
    private var hasShellEnded = false
    /// Why some of the output could not be kept in the guest, as the exit code of what should have; nil: all was.
    private(set) var cut: Int32?
    /// Whether what the command has left running wrote more than the agent keeps.
    private(set) var hasOverflown = false
    /// Why the output of a command that goes on can't be followed.
    private(set) var keepingFailure: VMError?
    /// What the command lacked, so that it was not begun.
    private(set) var lack: GuestNotice?
    /// What the shell said of its own failure.
    private(set) var lastWords: [UInt8] = []
    /// When the last byte came, or the command ended.
    private(set) var quietSince = ContinuousClock.now

    /// How long a command may run before its output is followed: it takes the guest some time to begin that, which most commands
    /// don't need.
    private static let firstWait = Duration.milliseconds(100)

    /// - Parameters:
    ///   - shell: the agent's child.
    ///   - kept: its output, if that is kept from the start.
    ///   - file: what the agent reads or writes besides.
    init(
        _ turns: AgentTurns, _ start: ExecutionStart, _ command: GuestCommand, shell: Int64, kept: KeptOutput?,
        from source: PieceSource?, to output: OutputStream, _ errors: OutputStream, besides file: HeldFile?
    ) {
        (self.turns, self.start, self.pid, self.kept) = (turns, start, shell, kept)
        (self.source, self.file, self.output, self.errors) = (source, file, output, errors)
        self.shell = command.input == .pieces ? nil : shell
        keepingStart = Deadline(in: command.writesMuch ? .zero : Self.firstWait)
    }

    /// When no more of the output is read; nil: all of it is.
    var limit: Deadline? { didSet { (output.limit, errors.limit) = (limit, limit) } }

    /// Whether no more of it is read.
    var isOverdue: Bool { limit?.hasPassed == true }

    /// Whether all that was written so far was read.
    var isDrained: Bool { kept?.isDrained ?? hasShellEnded }

    /// Whether the scripts have ended, and nothing more will be written.
    var hasEnded: Bool { hasShellEnded && kept?.hasEnded != false }

    /// The agent's children.
    var shells: [Int64] { [pid] + (kept.map { [$0.keepers] } ?? []) }

    /// Whether all that the command wrote was passed on, and what holds its output open writes nothing now.
    func isAtRest() throws(GuestAgent.Failure) -> Bool { try kept?.isAtRest() ?? false }

    /// Whether some of it was not read.
    var isLeft: Bool { output.isCut || errors.isCut || !isDrained }

    /// Whether nobody reads the output any more, or it can't be written.
    var isClosed: Bool { output.isClosed || errors.isClosed }

    /// Why one of our streams failed.
    var failure: VMError? {
        output.failure ?? errors.failure ?? source?.failure
    }

    /// Moves what there is, once.
    ///
    /// - Returns: whether there may be more by now.
    func move() throws(GuestAgent.Failure) -> Bool {
        if kept == nil, keepingFailure == nil, !hasShellEnded, keepingStart.hasPassed { try keep() }
        let hasMore = try readAndWrite()
        try kept?.emptyWhatIsAhead(while: { !isOverdue && !hasEnded }) { () throws(GuestAgent.Failure) in
            _ = try readAndWrite()
        }
        let hasFed = try source?.feed(by: turns, base: start.base) ?? false
        let hasMoved = try file?.move(by: turns) ?? false
        return hasMore || hasFed || hasMoved
    }

    /// Has what the command writes kept from now on.
    private func keep() throws(GuestAgent.Failure) {
        do throws(GuestAgent.Failure) { kept = try start.keep(pid) } catch {
            guard case .refused(let words) = error, words?.contains("frozen") != true else { throw error }
            keepingFailure = start.explained(error)
        }
    }

    /// Waits for input, at most this long.
    func wait(_ limit: Duration) { source.map { $0.wait(limit) } ?? pause(limit) }

    /// Moves what was written in the guest, unless nobody reads that any more. Whether there was something.
    private func readAndWrite() throws(GuestAgent.Failure) -> Bool {
        let asked = hasShellEnded ? nil : pid
        let isRead = { [output, errors] (number: Int) in number == 0 ? !output.isClosed : !errors.isClosed }
        let news = if let kept { try kept.read(asking: asked, isRead) } else { try look() }
        news.notices.forEach(hear)
        if kept?.isBroken == true { cut = cut ?? 128 + SIGKILL }
        let hasReport = try take(news.shell)
        for (number, text) in news.texts where !text.isEmpty { write(text, isOutput: number == 0) }
        return hasReport || news.texts.contains { !$0.text.isEmpty }
    }

    /// Asks after the shell alone.
    private func look() throws(GuestAgent.Failure) -> KeptOutput.News {
        let pid = pid
        return try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            try agent.post(.executionStatus(pid), by: deadline)
            return KeptOutput.News(shell: try ShellState(of: pid, by: &agent, deadline))
        }
    }

    private func write(_ text: [UInt8], isOutput: Bool) {
        quietSince = .now
        if isOutput { output.write(text) { rest() } } else { errors.write(text) { rest() } }
    }

    /// Takes what the shell has passed on at its end. Whether there was something.
    private func take(_ state: ShellState?) throws(GuestAgent.Failure) -> Bool {
        switch state {
        case .running, nil: return false
        case .ended(let said):
            hasShellEnded = true
            kept?.isLate = false
            let report = ShellReport(said.output, mark: start.base)
            if let notice = report.notice { hear(notice) } else { lastWords = said.errors }
            hasOverflown = said.isCut
            if !report.output.isEmpty { write(report.output, isOutput: true) }
            if !report.errors.isEmpty { write(report.errors, isOutput: false) }
            return true
        case .unknown(let words):
            guard code != nil else { throw .refused(words) }
            hasShellEnded = true
            return false
        }
    }

    private func hear(_ notice: GuestNotice) {
        switch notice {
        case .shell(let pid): shell = pid
        case .ready: source?.isReady = true
        case .read(let number): source?.wasRead(number)
        case .lostDirectory, .lostUser, .lostTerminal, .lostPipes: lack = notice
        case .cut(let code): cut = code
        case .code(let code):
            self.code = code
            quietSince = .now
        case .keepers, .keeper, .late, .drained: break
        }
    }

    /// Lets the command wait, and others have the agent meanwhile.
    func rest() {
        kept?.rest()
        turns.end()
    }

    /// Has the guest forget them.
    func close() {
        if source != nil { _ = try? turns.run(KeepingScript.lateTidying, [start.base]) }
        let handles = (kept?.handles ?? []) + (source?.handles ?? []) + (file?.handles ?? [])
        if !handles.isEmpty {
            try? turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
                for handle in handles { try agent.post(.close(handle), by: deadline) }
                for handle in handles { try agent.reply(to: .close(handle), by: deadline) }
            }
        }
        turns.end()
    }
}
