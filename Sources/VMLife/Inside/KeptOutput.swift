import Glibc
import VMCore
import VMHost

/// The output of a command that goes on: keepers in the guest move it to spool files, which are read while they grow.
final class KeptOutput {
    private let turns: AgentTurns
    /// The agent's child: the shell with the keepers' script.
    private(set) var keepers: Int64
    private var control: GuestSpool
    private var spools: [GuestSpool]
    private var notices = GuestNotices()

    /// Whether all that was written so far was read.
    private(set) var isDrained = false
    /// Whether no more will be written.
    private(set) var hasEnded = false
    /// Whether they were ended before they had passed on all of it.
    private(set) var isBroken = false
    /// Whether the script of the command passes on what came first, and nothing is read before that.
    var isLate = false

    /// - Parameters:
    ///   - keepers: the shell that was started last; an earlier one may have begun.
    ///   - spools: the spool files of its streams, stdout first.
    init(_ turns: AgentTurns, keepers: Int64, control: GuestSpool, spools: [GuestSpool]) {
        (self.turns, self.keepers, self.control, self.spools) = (turns, keepers, control, spools)
    }

    /// What was new.
    struct News {
        /// What the scripts tell.
        var notices: [GuestNotice] = []
        /// Parts of streams, by their numbers.
        var texts: [(stream: Int, text: [UInt8])] = []
        /// What became of the shell of the command; nil: nobody asked.
        var shell: ShellState?
    }

    /// Reads the new parts of the streams.
    ///
    /// - Parameters:
    ///   - shell: the one of the command, if its end is not known yet.
    ///   - isWanted: whether somebody reads a stream, by its number.
    func read(asking shell: Int64?, _ isWanted: (Int) -> Bool) throws(GuestAgent.Failure) -> News {
        // What was read last over another connection may not have arrived.
        let isNew = !turns.isOpen
        let isWaiting = isLate
        let numbers = isWaiting ? [] : spools.indices.filter(isWanted)
        let files = [control] + numbers.map { spools[$0] }
        let reads = files.map { QMPRequest.read($0.handle, count: $0.request) }
        let asked = [shell, hasEnded ? nil : keepers]
        typealias Replies = (texts: [[UInt8]], states: [ShellState?])
        let replies = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) -> Replies in
            for file in files where isNew {
                _ = try agent.execute(.seek(file.handle, to: file.position), by: deadline)
            }
            // In this order: all that a script that has ended has told is in the files.
            for case let pid? in asked { try agent.post(.executionStatus(pid), by: deadline) }
            for read in reads { try agent.post(read, by: deadline) }
            var states: [ShellState?] = []
            for pid in asked {
                guard let pid else {
                    states.append(nil)
                    continue
                }
                states.append(try ShellState(of: pid, by: &agent, deadline))
            }
            var texts: [[UInt8]] = []
            for read in reads { texts.append(try agent.reply(to: read, by: deadline)) }
            return (texts, states)
        }
        control.note(replies.texts[0].count)
        var news = News(notices: notices.take(replies.texts[0]), shell: replies.states[0])
        news.notices.forEach(hear)
        if let state = replies.states[1], state != .running, asked[1] == keepers {
            isBroken = !hasEnded && spools.contains { $0.keeper != nil }
            hasEnded = true
        }
        news.texts = Array(zip(numbers, replies.texts.dropFirst()))
        for (number, text) in news.texts { spools[number].note(text.count) }
        isDrained = !isWaiting && !numbers.contains { spools[$0].isFull }
        return news
    }

    private func hear(_ notice: GuestNotice) {
        switch notice {
        case .keeper(let stream, let pid):
            for number in spools.indices where spools[number].stream == stream { spools[number].keeper = pid }
        case .keepers(let pid): keepers = pid
        case .late: isLate = true
        case .drained: hasEnded = true
        default: break
        }
    }

    /// Empties the files that are written faster than they are read, before the guest has no room for them.
    ///
    /// - Parameters:
    ///   - mayGoOn: whether the rest is wanted.
    ///   - readAndWrite: reads what is new, and writes it.
    func emptyWhatIsAhead(
        while mayGoOn: () -> Bool, _ readAndWrite: () throws(GuestAgent.Failure) -> Void
    ) throws(GuestAgent.Failure) {
        for number in spools.indices where spools[number].isAhead || spools[number].isHeld {
            try empty(number, while: mayGoOn, readAndWrite)
        }
    }

    /// Stops the process that writes a spool file, reads the rest, and empties it. Meanwhile the command waits, as it would for
    /// a slow reader of its pipe.
    ///
    /// If the agent fails half-way it is done again, all of it: no step does harm twice, and the process would stay stopped.
    private func empty(
        _ number: Int, while mayGoOn: () -> Bool, _ readAndWrite: () throws(GuestAgent.Failure) -> Void
    ) throws(GuestAgent.Failure) {
        guard let keeper = spools[number].keeper, !hasEnded, mayGoOn() else { return }
        spools[number].isHeld = true
        // One that has ended can't be stopped, and its file is about to be removed.
        guard try turns.run(GuestSignal.holdScript, [String(keeper)]) == 0 else {
            spools[number].isHeld = false
            return
        }
        // The file can't be larger, whatever the agent says. The other one may go on growing meanwhile.
        var (rounds, before) = (1024, Int64(-1))
        while rounds > 0, mayGoOn(), spools[number].position != before {
            before = spools[number].position
            try readAndWrite()
            rounds -= 1
        }
        // It stays stopped, until it is killed.
        guard mayGoOn() else { return }
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
    /// pipe. Others can have the agent meanwhile. The next look at what is ahead has it go on.
    func rest() {
        for number in spools.indices where !hasEnded && !spools[number].isHeld {
            guard let keeper = spools[number].keeper else { continue }
            // One that could not be stopped may write as much as the guest has room for.
            spools[number].isHeld = (try? turns.run(GuestSignal.holdScript, [String(keeper)])) == 0
        }
    }

    /// Whether those that write the spool files wait for more: their pipes are empty then.
    func isAtRest() throws(GuestAgent.Failure) -> Bool {
        let pids = spools.compactMap(\.keeper)
        guard pids.count == spools.count else { return false }
        return try turns.run(GuestSignal.restScript, pids.map(String.init)) == 0
    }

    /// The agent's handles of the files.
    var handles: [Int64] { ([control] + spools).map(\.handle) }
}

/// Whether a script has ended, as far as the agent knows.
enum ShellState: Equatable {
    case running
    /// With what it wrote.
    case ended(ExecutionOutput)
    /// The agent refuses to say: it tells the end once, and that reply is lost with a connection.
    case unknown(String?)

    init(of pid: Int64, by agent: inout GuestAgent, _ deadline: Deadline) throws(GuestAgent.Failure) {
        do throws(GuestAgent.Failure) {
            switch try agent.reply(to: .executionStatus(pid), by: deadline) {
            case .running: self = .running
            case .ended(_, let output): self = .ended(output)
            }
        } catch .refused(let words) { self = .unknown(words) }
    }
}
