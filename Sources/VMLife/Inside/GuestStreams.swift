import Glibc
import SystemPackage
import VMCore
import VMHost

/// The streams of a command in a guest: what it writes goes from spool files in the guest to ours, what it reads the other
/// way. And what its script tells meanwhile.
final class GuestStreams {
    private let turns: AgentTurns
    private let base: String
    /// The agent's child: the shell with the script.
    let pid: Int64
    private var control: GuestSpool
    private var spools: [GuestSpool]
    private var notices = GuestNotices()
    private var output: OutputStream
    private var errors: OutputStream
    private let source: PieceSource?
    private let file: HeldFile?

    /// The parent of the command, once it is known.
    private(set) var shell: Int64?
    /// The command's code, once it has ended.
    private(set) var code: Int32?
    /// Whether the script has ended.
    private(set) var hasEnded = false
    /// Whether all that was written so far was read.
    private(set) var isDrained = false
    /// Why some of the output could not be kept in the guest, as the exit code of what should have; nil: all was.
    private(set) var cut: Int32?
    /// Whether the directory for the command is missing.
    private(set) var lostDirectory = false
    /// Whether the guest does not know the user.
    private(set) var lostUser = false
    /// When the last byte came, or the command ended.
    private(set) var quietSince = ContinuousClock.now

    /// - Parameters:
    ///   - base: the base name of the spool files.
    ///   - handles: those of the spool files that were opened, by their names.
    ///   - file: what the agent reads or writes besides.
    init(
        _ turns: AgentTurns, base: String, pid: Int64, control: Int64, spools: [(name: String, handle: Int64)],
        from source: PieceSource?, to output: OutputStream, _ errors: OutputStream, besides file: HeldFile?
    ) {
        (self.turns, self.base, self.pid, self.source, self.file) = (turns, base, pid, source, file)
        self.control = GuestSpool(stream: "ctl", of: base, handle: control)
        self.spools = spools.map { GuestSpool(stream: $0.name, of: base, handle: $0.handle) }
        (self.output, self.errors) = (output, errors)
    }

    /// When no more of the output is read; nil: all of it is.
    var limit: Deadline? { didSet { (output.limit, errors.limit) = (limit, limit) } }

    /// Whether no more of it is read.
    var isOverdue: Bool { limit?.hasPassed == true }

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
        let hasMore = try readAndWrite()
        for number in spools.indices where spools[number].isAhead || spools[number].isHeld { try empty(number) }
        let hasFed = try source?.feed(by: turns, base: base) ?? false
        let hasMoved = try file?.move(by: turns) ?? false
        return hasMore || hasFed || hasMoved
    }

    /// Waits for input, at most this long.
    func wait(_ limit: Duration) { source.map { $0.wait(limit) } ?? pause(limit) }

    /// Moves what was written in the guest. Whether there was something.
    private func readAndWrite() throws(GuestAgent.Failure) -> Bool {
        let texts = try read()
        for (number, text) in texts.enumerated() where !text.isEmpty {
            quietSince = .now
            if number == 0 { output.write(text) { rest() } } else { errors.write(text) { rest() } }
        }
        isDrained = !spools.contains { $0.isFull }
        return texts.contains { !$0.isEmpty }
    }

    /// The new parts of the streams. What the script tells is taken in.
    private func read() throws(GuestAgent.Failure) -> [[UInt8]] {
        // What was read last over another connection may not have arrived.
        let isNew = !turns.isOpen
        let asks = !hasEnded
        let files = [control] + spools
        let reads = files.map { QMPRequest.read($0.handle, count: $0.request) }
        typealias Replies = (texts: [[UInt8]], end: End)
        let replies = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) -> Replies in
            for file in files where isNew {
                _ = try agent.execute(.seek(file.handle, to: file.position), by: deadline)
            }
            // In this order: all that a script that has ended has told is in the files.
            if asks { try agent.post(.executionStatus(pid), by: deadline) }
            for read in reads { try agent.post(read, by: deadline) }
            let end = asks ? try End(of: pid, by: &agent, deadline) : .ended
            var texts: [[UInt8]] = []
            for read in reads { texts.append(try agent.reply(to: read, by: deadline)) }
            return (texts, end)
        }
        control.note(replies.texts[0].count)
        notices.take(replies.texts[0]).forEach(hear)
        let texts = Array(replies.texts.dropFirst())
        for number in spools.indices { spools[number].note(texts[number].count) }
        switch replies.end {
        case .running: break
        case .ended: hasEnded = true
        // The agent tells it once, and that reply is lost with a connection.
        case .unknown(let words):
            guard code != nil else { throw .refused(words) }
            hasEnded = true
        }
        return texts
    }

    /// Whether the script has ended, as far as the agent knows.
    private enum End {
        case running, ended
        /// It refuses to say.
        case unknown(String?)

        init(of pid: Int64, by agent: inout GuestAgent, _ deadline: Deadline) throws(GuestAgent.Failure) {
            do throws(GuestAgent.Failure) {
                self = try agent.reply(to: .executionStatus(pid), by: deadline) == .running ? .running : .ended
            } catch .refused(let words) { self = .unknown(words) }
        }
    }

    private func hear(_ notice: GuestNotice) {
        switch notice {
        case .shell(let pid): shell = pid
        case .keeper(let stream, let pid):
            for number in spools.indices where spools[number].stream == stream { spools[number].keeper = pid }
        case .ready: source?.isReady = true
        case .read(let number): source?.wasRead(number)
        case .lostDirectory: lostDirectory = true
        case .lostUser: lostUser = true
        case .cut(let code): cut = code
        case .code(let code):
            self.code = code
            quietSince = .now
        }
    }

    /// Stops the process that writes a spool file, reads the rest, and empties it. Meanwhile the command waits, as it would for
    /// a slow reader of its pipe.
    ///
    /// If the agent fails half-way it is done again, all of it: no step does harm twice, and the process would stay stopped.
    private func empty(_ number: Int) throws(GuestAgent.Failure) {
        guard let keeper = spools[number].keeper, !hasEnded, !isOverdue else { return }
        spools[number].isHeld = true
        // One that has ended can't be stopped, and its file is about to be removed.
        guard try turns.run(GuestSignal.holdScript, [String(keeper)]) == 0 else {
            spools[number].isHeld = false
            return
        }
        // The file can't be larger, whatever the agent says. The other one may go on growing meanwhile.
        var (rounds, before) = (1024, Int64(-1))
        while rounds > 0, !isOverdue, spools[number].position != before {
            before = spools[number].position
            _ = try readAndWrite()
            rounds -= 1
        }
        // It stays stopped, until it is killed.
        if isOverdue { return }
        let spool = spools[number]
        try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            let handle = try agent.execute(.openFile(spool.path, mode: "w"), by: deadline)
            try agent.execute(.close(handle), by: deadline)
            try agent.execute(.seek(spool.handle, to: 0), by: deadline)
        }
        spools[number].wasEmptied()
        try turns.run(GuestSignal.goOnScript, [String(keeper)])
        spools[number].isHeld = false
    }

    /// Stops what writes the spool files, while nobody reads them for a time: the command waits then, as for a slow reader of its
    /// pipe. Others can have the agent meanwhile. The next `move` has it go on.
    func rest() {
        for number in spools.indices where !hasEnded && !spools[number].isHeld {
            guard let keeper = spools[number].keeper else { continue }
            // One that could not be stopped may write as much as the guest has room for.
            spools[number].isHeld = (try? turns.run(GuestSignal.holdScript, [String(keeper)])) == 0
        }
        turns.end()
    }

    /// Has the guest forget them.
    func close() {
        if source != nil { _ = try? turns.run(GuestCommand.lateTidying, [base]) }
        let handles = ([control] + spools).map(\.handle) + (source?.handles ?? []) + (file?.handles ?? [])
        try? turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            for handle in handles { try agent.post(.close(handle), by: deadline) }
            for handle in handles { try agent.reply(to: .close(handle), by: deadline) }
        }
        turns.end()
    }
}
