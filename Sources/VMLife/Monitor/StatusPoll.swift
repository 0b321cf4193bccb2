import Glibc
import SystemPackage
import VMCore
import VMHost

/// Asks many running VMs for their state at once: as many as there are descriptors for, the others as answers come in.
///
/// A VM whose monitor another command is using is not asked: it is busy, not hung.
struct StatusPoll {
    /// A VM that was asked.
    private final class Question {
        let index: Int
        let deadline: Deadline
        private let directory: RuntimeDirectory
        private let lock: ByteLockFile
        private var channel: LineChannel
        private(set) var state: RunState?
        private(set) var isClosed = false
        private var isGarbled = false

        /// Asks; nil if the VM is not to be asked, or is gone.
        ///
        /// - Throws: `.resourceTemporarilyUnavailable` if the backlog is full of clients that have left.
        init?(_ index: Int, _ directory: RuntimeDirectory, patience: Duration) throws(Errno) {
            self.index = index
            self.directory = directory
            deadline = Deadline(in: patience)
            let lock = try ByteLockFile(changing: directory.locksFile)
            // A start in progress is talking to QEMU, or about to.
            guard try !lock.isLocked(RuntimeDirectory.Lock.operation.rawValue),
                try lock.tryLock(RuntimeDirectory.Lock.monitor.rawValue)
            else { return nil }
            self.lock = lock
            channel = LineChannel(try directory.connect(.monitor))
            // Both commands at once: only the reply to the second is awaited.
            let question =
                QMPRequest.negotiate.command.line() + "\n" + QMPRequest.status.command.line(id: 1)
            guard (try? channel.send(question, by: Deadline(in: .zero))) != nil else { return nil }
        }

        var descriptor: CInt { channel.descriptor }
        var isOpen: Bool { state == nil && !isClosed && !isGarbled && !deadline.hasPassed }

        /// A VM that has not answered in time is unresponsive. A closed connection means that it is ending, which its
        /// lock will tell next time.
        var verdict: Answer? { isClosed ? nil : state.map(Answer.state) ?? (directory.letEnd() ? nil : .silence) }

        /// Reads what has arrived.
        func read() {
            do throws(LineChannel.Failure) {
                // One piece at a time: a QEMU that never stops talking must not keep the others waiting.
                try channel.receive()
                while state == nil, !isGarbled, let line = channel.bufferedLine() {
                    if case .reply(id: 1, let value)? = QMPMessage(line: line) {
                        state = QMPRequest.status.read(value)
                        // A reply that says nothing is no better than none.
                        isGarbled = state == nil
                    }
                }
            } catch {
                isClosed = true
            }
        }
    }

    /// The descriptors that each VM takes: the locks file and the monitor.
    private static let descriptors = 2
    /// How many are asked before answers are read: asking a thousand takes longer than one of them may take to answer.
    private static let round = 32

    private var waiting: [(index: Int, directory: RuntimeDirectory)]
    /// How many can be asked at the same time.
    private var room: Int
    private let patience: Duration
    private var asked: [Question] = []
    private var answers: [(Int, Answer)] = []

    /// What asking a machine came to.
    enum Answer: Equatable {
        /// It is doing this.
        case state(RunState)
        /// It did not answer.
        case silence
    }

    /// Asks each machine, and gives each `patience` to answer.
    ///
    /// - Returns: the answers, by index. A machine that is not to be asked, or that no descriptor is left for, is
    ///   missing: what its lock and its record tell is all that is known.
    static func states(
        of machines: [(index: Int, directory: RuntimeDirectory)], within patience: Duration
    ) -> [(Int, Answer)] {
        var poll = StatusPoll(machines, patience)
        repeat { poll.ask() } while poll.listen()
        return poll.answers
    }

    private init(_ machines: [(index: Int, directory: RuntimeDirectory)], _ patience: Duration) {
        waiting = machines.reversed()
        room = DescriptorLimit.room(for: machines.count, each: Self.descriptors)
        self.patience = patience
    }

    private mutating func ask() {
        let limit = min(room, asked.count + Self.round)
        while asked.count < limit, let (index, directory) = waiting.popLast() {
            do throws(Errno) {
                if let question = try Question(index, directory, patience: patience) { asked.append(question) }
            } catch .resourceTemporarilyUnavailable {
                // It has not even accepted its last clients.
                answers.append((index, .silence))
            } catch .tooManyOpenFiles {
                // More descriptors are open than expected: there is room as soon as an answer comes.
                room = asked.count
                if room > 0 { waiting.append((index, directory)) } else { waiting = [] }
                return
            } catch {
                // Without a monitor it can't be asked.
            }
        }
    }

    /// Reads what has arrived; false when no answer is awaited any more.
    private mutating func listen() -> Bool {
        var set = asked.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        let isFull = waiting.isEmpty || asked.count >= room
        let limit = isFull ? asked.map(\.deadline.milliseconds).min() ?? 0 : 0
        let ready = set.isEmpty ? 0 : poll(&set, nfds_t(set.count), limit)
        if ready < 0 {
            if errno == EINTR { return true }
            // QEMU said nothing: what the lock and the record told stands.
            (asked, waiting) = ([], [])
            return false
        }
        for (question, entry) in zip(asked, set) where entry.revents != 0 { question.read() }
        for question in asked where !question.isOpen {
            if let answer = question.verdict { answers.append((question.index, answer)) }
        }
        asked.removeAll { !$0.isOpen }
        return !asked.isEmpty || !waiting.isEmpty
    }
}
