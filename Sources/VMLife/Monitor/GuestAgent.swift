import BridgeKernel
import SystemPackage
import VMCore
import VMHost

/// The QEMU guest agent, reached through the VM's agent socket (QEMU, docs/interop/qemu-ga). It may be absent, hang, or
/// be an impostor: every answer has a deadline and is treated as data.
struct GuestAgent: ~Copyable {
    /// Why there is no answer.
    enum Failure: Error, Equatable {
        /// No process in the guest has opened the channel.
        case absent
        /// Another command is talking to it.
        case taken
        /// It did not answer in time.
        case silent
        /// It refused the command, or does not support it; its own words, if any.
        case refused(String?)
        /// Its answer is none that the command has: it may be another program, or damaged.
        case garbled
        /// QEMU closed the channel.
        case closed
        /// The lock of the channel can't be used.
        case noLock(VMError)
        /// The host side of the channel can't be used.
        case unreachable(Errno)
    }

    private let lock: ByteLockFile
    private var channel: LineChannel
    /// The lengths of the commands that have no answer yet, in order.
    private var unanswered: [Int] = []
    /// Whether answers belong to the questions asked here.
    private var isInStep = false
    /// Answers that were read before they were asked for.
    private var early: [JSON] = []

    /// What the agent reads at a time. While more than that has come, it loses what it answers: its GLib channel takes the
    /// port for a file, and to write it seeks back by what it has read too far, which fails (QEMU, qga/channel-posix.c;
    /// GLib, g_io_channel_write_chars; in the agent's log: `error writing to channel: Illegal seek`).
    private static let window = 4096

    /// Takes the lock, connects, and synchronizes, so that answers belong to the questions asked here.
    ///
    /// - Parameter isForLong: whether this client will want it again and again. Others come first then, and it has to look for
    ///   them (`isWanted`).
    static func open(
        _ directory: RuntimeDirectory, isForLong: Bool = false, by deadline: Deadline
    ) throws(Failure) -> GuestAgent {
        guard isListening(directory, by: deadline) != false else { throw .absent }
        var agent = try connected(directory, isForLong: isForLong, by: deadline)
        try agent.synchronize(by: deadline)
        return agent
    }

    /// Takes the lock and connects, and asks nothing yet: the guest does not run.
    static func connected(
        _ directory: RuntimeDirectory, isForLong: Bool = false, by deadline: Deadline
    ) throws(Failure) -> GuestAgent {
        let lock = try takeLock(directory, isForLong: isForLong, by: deadline)
        return GuestAgent(lock: lock, channel: LineChannel(try connect(directory)))
    }

    private init(lock: consuming ByteLockFile, channel: consuming LineChannel) {
        self.lock = lock
        self.channel = channel
    }

    deinit { lock.giveBack(RuntimeDirectory.Lock.agent.rawValue) }

    private static func takeLock(
        _ directory: RuntimeDirectory, isForLong: Bool, by deadline: Deadline
    ) throws(Failure) -> ByteLockFile {
        let taken: ByteLockFile?
        do throws(VMError) {
            let lock = try directory.openLocks()
            let sign = isForLong ? RuntimeDirectory.Lock.agentWantedForLong : .agentWanted
            _ = try? lock.tryShare(sign.rawValue)
            while isForLong, Self.isWantedBriefly(lock), !deadline.hasPassed { pause(.milliseconds(10)) }
            let isTaken = try lock.wait(for: .agent, of: directory, by: deadline)
            lock.giveBack(sign.rawValue)
            taken = isTaken ? consume lock : nil
        } catch { throw .noLock(error) }
        guard let lock = taken else { throw .taken }
        return lock
    }

    private static func connect(_ directory: RuntimeDirectory) throws(Failure) -> OwnedDescriptor {
        do throws(Errno) { return try directory.connect(.agent) } catch {
            guard error == .noSuchFileOrDirectory, directory.isAdopted else { throw .unreachable(error) }
            throw .noLock(.adopted(directory.name, "its agent's channel is not kvmctl's"))
        }
    }

    /// Whether another command waits for its turn.
    var isWanted: Bool {
        Self.isWantedBriefly(lock)
            || (try? lock.isHeld(RuntimeDirectory.Lock.agentWantedForLong.rawValue)) ?? false
    }

    private static func isWantedBriefly(_ lock: borrowing ByteLockFile) -> Bool {
        (try? lock.isHeld(RuntimeDirectory.Lock.agentWanted.rawValue)) ?? false
    }

    /// Has the agent execute a command, and waits for the result.
    mutating func execute<Reply>(_ request: QMPRequest<Reply>, by deadline: Deadline) throws(Failure) -> Reply {
        try post(request, by: deadline)
        return try reply(to: request, by: deadline)
    }

    /// Sends a command whose reply is read later: the agent executes them in order, and a wait for each would take most of the
    /// time. What the agent would lose answers by is sent once it has answered what came before.
    mutating func post<Reply>(_ request: QMPRequest<Reply>, by deadline: Deadline) throws(Failure) {
        let line = Array(request.command.line().utf8)
        while !unanswered.isEmpty, unanswered.reduce(line.count + 1, +) > Self.window {
            early.append(try answer(by: deadline))
            unanswered.removeFirst()
        }
        unanswered.append(line.count + 1)
        // Nor may anything of the command itself come after what the agent needs of it: not even the newline.
        if line.count < Self.window {
            try send(line, by: deadline)
        } else {
            try sendBare([Self.newline] + line, by: deadline)
        }
    }

    /// The reply to the first command that was posted and has none yet.
    mutating func reply<Reply>(to request: QMPRequest<Reply>, by deadline: Deadline) throws(Failure) -> Reply {
        let answer: JSON
        if early.isEmpty {
            answer = try self.answer(by: deadline)
            if !unanswered.isEmpty { unanswered.removeFirst() }
        } else {
            answer = early.removeFirst()
        }
        if let reply = answer["return"].flatMap(request.read) { return reply }
        guard let error = answer["error"] else { throw .garbled }
        throw .refused(error["desc"]?.string)
    }

    /// Has the guest shut itself down. That it will is not known: the agent only replies if it refuses.
    ///
    /// A guest whose file systems are frozen is thawed first: it could not end otherwise, and its agent would refuse.
    mutating func askForShutdown(by deadline: Deadline) throws(Failure) {
        if try execute(.freezeState, by: deadline) == .frozen { _ = try execute(.thaw, by: deadline) }
        try send(Array(QMPRequest.shutDown.command.line().utf8), by: deadline)
    }

    /// Whether a process in the guest has the channel open; nil if QEMU does not say. Without this question every guest
    /// without an agent would take the whole deadline.
    private static func isListening(_ directory: RuntimeDirectory, by deadline: Deadline) -> Bool? {
        let limit = Deadline(in: deadline.remaining / 2)
        guard var session = try? MonitorSession.open(directory, by: limit),
            let devices = try? session.execute(.characterDevices, by: limit)
        else { return nil }
        return devices.first { $0.label == "agent0" }?.isOpen
    }

    /// `guest-sync-delimited`: the agent drops a half-received command, and answers with a delimiter and our number.
    /// Anything before that is an answer to an earlier client.
    mutating func synchronize(by deadline: Deadline) throws(Failure) {
        guard !isInStep else { return }
        let number = Int64.random(in: 1...Int64(Int32.max))
        let request = QMPRequest.synchronize(number)
        try send([Self.delimiter] + Array(request.command.line().utf8), by: deadline)
        while try answer(by: deadline)["return"].flatMap(request.read) != number {}
        isInStep = true
    }

    /// The next line that is JSON.
    private mutating func answer(by deadline: Deadline) throws(Failure) -> JSON {
        while true {
            let line: [UInt8]
            do throws(LineChannel.Failure) { line = try channel.line(by: deadline) } catch { throw Failure(error) }
            let start = line.lastIndex(of: Self.delimiter).map { $0 + 1 } ?? 0
            if let json = try? JSON(parsing: line[start...]) { return json }
            // Until it is in step, that may be a part of an answer to an earlier client.
            if isInStep, !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { throw .garbled }
        }
    }

    private mutating func send(_ line: [UInt8], by deadline: Deadline) throws(Failure) {
        do throws(LineChannel.Failure) { try channel.send(line: line, by: deadline) } catch { throw Failure(error) }
    }

    private mutating func sendBare(_ bytes: [UInt8], by deadline: Deadline) throws(Failure) {
        do throws(LineChannel.Failure) { try channel.send(bytes, by: deadline) } catch { throw Failure(error) }
    }

    private static let newline = UInt8(ascii: "\n")
    /// A byte that never occurs in UTF-8.
    private static let delimiter: UInt8 = 0xff
}

extension GuestAgent.Failure {
    fileprivate init(_ failure: LineChannel.Failure) {
        self =
            switch failure {
            case .timedOut: .silent
            case .closed: .closed
            // No answer is so long.
            case .system(.messageTooLong): .garbled
            case .system(let errno): .unreachable(errno)
            }
    }

    /// The cause, in one clause.
    var cause: String {
        switch self {
        case .absent: "none runs in the guest"
        case .taken: "another command is talking to it"
        case .silent: "it does not answer"
        case .refused: "it refused the command"
        case .garbled: "its answer makes no sense"
        case .closed: "QEMU closed its channel"
        case .noLock(let error): "its socket can't be used: \(error.cause)"
        case .unreachable(let errno): "its socket can't be used: \(errno.description)"
        }
    }

    /// The failure as an error about this VM.
    func error(of name: VMName) -> VMError {
        if case .noLock(let error) = self { return error }
        var words = ""
        if case .refused(let said?) = self { words = ": \(Printable.escaped(said))" }
        let (code, remedy): (VMError.Code, Remedy) =
            switch self {
            case .absent:
                (
                    .unavailable,
                    .run(
                        "if the guest has booted, install and start qemu-guest-agent in it; how far it is",
                        "kvmctl doctor \(name)")
                )
            case .taken: (.busy, "try again in a moment")
            case .silent: (.timedOut, "try again; if the guest runs and is not busy, restart its qemu-guest-agent")
            case .refused(let said?) where said.contains("frozen"):
                (.unavailable, .run("thaw its file systems", "kvmctl thaw \(name)"))
            case .garbled:
                (.unavailable, "restart the guest's qemu-guest-agent; another program may answer in its place")
            case .refused: (.unavailable, "see the log of qemu-guest-agent in the guest")
            case .closed, .noLock, .unreachable: (.unavailable, "see its state: \(command: "kvmctl show \(name)")")
            }
        return VMError(code, name.description, "the guest agent: \(cause)\(words)", remedy: remedy)
    }
}
