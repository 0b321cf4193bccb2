import Glibc
import SystemPackage

/// Asks many running VMs at once what they are doing, within one deadline for all.
///
/// A VM whose monitor another command is using is not asked: it is busy, not hung.
struct StatusPoll {
    /// A VM that was asked.
    private final class Question {
        let index: Int
        private let turn: ByteLockFile
        private var channel: LineChannel
        private(set) var state: VMState?
        private(set) var isClosed = false

        /// Asks; nil where the VM is not to be asked, or is gone.
        ///
        /// - Throws: `.resourceTemporarilyUnavailable` where so many clients came and left that the backlog is full.
        init?(_ index: Int, _ directory: RuntimeDirectory) throws(Errno) {
            self.index = index
            guard let turn = try? ByteLockFile(creating: directory.turnsFile, permissions: 0o600),
                // A start in progress is talking to QEMU, or about to.
                (try? turn.isLocked(RuntimeDirectory.Turn.operation.rawValue)) == false,
                (try? turn.tryLock(RuntimeDirectory.Turn.monitor.rawValue)) == true
            else { return nil }
            self.turn = turn
            channel = LineChannel(try directory.connect(.monitor))
            // Both at once: a reply to the second is all that is awaited.
            let question = QMPCommand("qmp_capabilities").line() + "\n" + QMPCommand("query-status").line(id: 1)
            guard (try? channel.send(question, by: Deadline(in: .zero))) != nil else { return nil }
        }

        var descriptor: CInt { channel.descriptor }
        var isOpen: Bool { state == nil && !isClosed }

        /// Takes what has come.
        func read() {
            do throws(LineChannel.Failure) {
                // One piece at a time: a QEMU that never stops talking must not keep the others waiting.
                try channel.receive()
                while isOpen, let line = channel.bufferedLine() {
                    if case .reply(id: 1, let value)? = QMPMessage(line: line) {
                        state = VMState(runState: value["status"]?.string ?? "")
                    }
                }
            } catch {
                isClosed = true
            }
        }
    }

    private var questions: [Question] = []
    /// Those that have not even accepted the last clients.
    private var silent: [Int] = []

    /// Asks each, under the number that goes with it.
    init(_ machines: [(Int, RuntimeDirectory)]) {
        for (index, directory) in machines {
            do throws(Errno) {
                if let question = try Question(index, directory) { questions.append(question) }
            } catch .resourceTemporarilyUnavailable {
                silent.append(index)
            } catch {
                // Without a monitor there is nobody to ask: the lock and the record have told what is known.
            }
        }
    }

    /// The answers; who has not answered in time is unresponsive.
    func states(within limit: Duration) -> [(Int, VMState)] {
        let deadline = Deadline(in: limit)
        // Each gets its turn once at least; one that talks without end and does not answer must not make it endless.
        repeat {
            let waiting = questions.filter(\.isOpen)
            var set = waiting.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            guard !set.isEmpty else { break }
            let ready = poll(&set, nfds_t(set.count), deadline.milliseconds)
            if ready < 0, errno == EINTR { continue }
            // Not a word of QEMU's: what the lock and the record told stands.
            guard ready >= 0 else { return [] }
            for (question, entry) in zip(waiting, set) where entry.revents != 0 { question.read() }
        } while !deadline.hasPassed
        // A closed connection is an end in progress, which the lock will tell at the next look.
        return questions.filter { !$0.isClosed }.map { ($0.index, $0.state ?? .unresponsive) }
            + silent.map { ($0, .unresponsive) }
    }
}

extension VMState {
    /// From QEMU's run state (qapi/run-state.json, RunState).
    init(runState: String) {
        self =
            switch runState {
            case "running", "shutdown": .running
            case "prelaunch", "inmigrate": .starting
            case "suspended": .sleeping
            default: .paused
            }
    }
}
