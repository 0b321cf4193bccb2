import Glibc
import SystemPackage
import VMCore
import VMHost

/// A command that runs in a guest, by its agent, with its input and output.
///
/// The agent itself reports at exit only, and keeps at most 16 MB (guest-exec, docs/interop/qemu-ga-ref). So the output goes
/// through files in the guest that are read while they grow, and emptied before they become large. They are in
/// /run/kvmctl, which only the guest's root can enter.
package final class Executing {
    let vm: Machine
    private let command: GuestCommand
    private let turns: AgentTurns
    private let base: String
    private var output: OutputStream
    private var errors: OutputStream
    private var source: PieceSource?

    /// Why the agent could not open a spool file, in its words.
    private var refusedFile: String?
    /// The agent's child: the shell with the script.
    private var pid: Int64 = 0
    private var control = GuestSpool(stream: "ctl", of: "", handle: 0)
    private var spools: [GuestSpool] = []
    private var controlLine: [UInt8] = []

    /// The parent of the command, once it is known.
    private var shell: Int64?
    /// Signals that came before the command had begun.
    private var early: [GuestSignal] = []
    /// The command's code, once it has ended.
    private var code: Int32?
    /// The end of the script, once it has ended.
    private var scriptCode: Int32?
    private var isCut = false
    private var lostDirectory = false
    private var hasLetGo = false
    /// Whether all that was written so far was read.
    private var isDrained = false
    /// Whether the VM was paused when the agent did not answer.
    private var isStalled = false
    /// How often in succession the agent did not answer.
    private var failures = 0
    /// When the last byte came, or the command ended.
    private var quietSince = ContinuousClock.now

    private static let directory = "/run/kvmctl"
    /// How long what a command has left running may keep its output open.
    private static let linger = Duration.milliseconds(300)
    /// - Parameters:
    ///   - input: where the pieces of its input come from.
    ///   - output: what its stdout is written to.
    ///   - errors: what its stderr is written to; nil: it has none of its own.
    package init(
        _ command: GuestCommand, in vm: Machine, input: PieceSource?, output: CInt, errors: CInt
    ) throws(VMError) {
        try vm.running(or: "nothing can be executed in its guest")
        guard vm.observe().state != .paused else { throw vm.paused(so: "its guest agent can't answer") }
        self.vm = vm
        self.command = command
        self.output = OutputStream(output)
        self.errors = OutputStream(errors)
        source = input
        base = "\(Self.directory)/\(String(UInt64.random(in: .min ... .max), radix: 16))"
        turns = AgentTurns(vm)
    }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - timeout: how long it may take; nil: as long as it likes.
    ///   - signal: the next signal to pass on, if one has come.
    /// - Returns: its exit code; 128 and the signal's number if a signal ended it.
    /// - Throws: `.timedOut` if it took too long, and was ended; why it could not be run, or what became of it is not known.
    package func run(timeout: Duration?, signal: () -> GuestSignal?) throws(VMError) -> Int32 {
        try begin()
        let deadline = timeout.map { Deadline(in: $0) }
        var ending: Ending?
        var interval = Duration.milliseconds(1)
        while true {
            let moved = try step()
            if let code = try result(ending) { return code }
            if ending == nil, deadline?.hasPassed == true { ending = Ending(.terminate, code: nil, timeout: timeout) }
            if ending == nil, output.isClosed || errors.isClosed { ending = Ending(.brokenPipe, code: 128 + SIGPIPE) }
            if shell != nil, !early.isEmpty { try pass(early.removeFirst()) }
            while let signal = signal() {
                if signal == .suspend { stop() } else { try pass(signal) }
                if ending == nil, signal == .terminate || signal == .hangup { ending = Ending(after: signal) }
            }
            if try ending?.pursue({ signal throws(VMError) in try pass(signal) }) == false {
                throw ending?.error(of: vm.name) ?? unkillable
            }
            turns.giveWay()
            interval = moved ? .milliseconds(1) : min(interval * 3 / 2, .milliseconds(100))
            source.map { $0.wait(interval) } ?? pause(interval)
        }
    }

    // Its start

    /// Starts it, when the others that are talking to the agent have had their turn.
    private func begin() throws(VMError) {
        var attempts = 6
        while true {
            do throws(GuestAgent.Failure) { return try start() } catch .taken where attempts > 1 {
                attempts -= 1
            } catch {
                throw refusal(error)
            }
        }
    }

    private func start() throws(GuestAgent.Failure) {
        if try attempt() { return }
        // The first since the guest was booted.
        try turns.run("umask 077; mkdir -p \"$1\"", [Self.directory])
        guard try attempt() else { throw .refused(refusedFile) }
    }

    /// False if the directory of the spool files is missing. The script does nothing then.
    private func attempt() throws(GuestAgent.Failure) -> Bool {
        let names = ["ctl", "out"] + (command.mergesErrors ? [] : ["err"])
        let opens = names.map { QMPRequest.openFile("\(base).\($0)", mode: "w+") }
        var input: [UInt8]?
        if case .given(let bytes) = command.input { input = bytes }
        let execution = QMPRequest.execute(
            "/bin/sh", ["-c", command.script] + command.arguments(spool: base), input: input)
        return try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            for open in opens { try agent.post(open, by: deadline) }
            try agent.post(execution, by: deadline)
            var handles: [Int64] = []
            for open in opens {
                do throws(GuestAgent.Failure) { handles.append(try agent.reply(to: open, by: deadline)) } catch {
                    // Only the agent's refusal leaves the other replies to be read.
                    guard case .refused(let words) = error, words?.contains("disabled") != true else { throw error }
                    refusedFile = words
                }
            }
            pid = try agent.reply(to: execution, by: deadline)
            guard handles.count == names.count else { return false }
            let files = zip(names, handles).map { GuestSpool(stream: $0, of: base, handle: $1) }
            control = files[0]
            spools = Array(files.dropFirst())
            return true
        }
    }

    private func refusal(_ failure: GuestAgent.Failure) -> VMError {
        guard case .refused(let words?) = failure else { return failure.error(of: vm.name) }
        var error = failure.error(of: vm.name)
        if words.contains("frozen") {
            error.remedy = .run("thaw its file systems", "kvmctl thaw \(vm.name)")
        } else if words.contains("disabled") {
            error.remedy = """
                in the guest, allow guest-exec, guest-exec-status and the guest-file commands in qemu-ga's \
                configuration (/etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf), and restart it
                """
        }
        return error
    }

    /// Stops this process, as Ctrl-Z asks for; others can have the agent meanwhile.
    private func stop() {
        turns.end()
        raise(SIGSTOP)
    }

    private var unkillable: VMError {
        VMError(
            .unavailable, vm.name.description,
            "the command was told to end and then killed, and still runs in the guest",
            remedy: "it may wait for a disk: see the guest's console, \(command: "kvmctl logs \(vm.name)")")
    }

    // One round

    /// Reads and writes what there is, once.
    ///
    /// - Returns: whether there may be more by now.
    private func step() throws(VMError) -> Bool {
        if isStalled {
            guard !turns.isPaused else { return false }
            isStalled = false
        }
        do throws(GuestAgent.Failure) {
            let hasMore = try readAndWrite()
            for number in spools.indices where spools[number].isAhead { try empty(number) }
            let hasFed = try source?.feed(by: turns, base: base) ?? false
            failures = 0
            return hasMore || hasFed
        } catch {
            try recover(from: error)
            return false
        }
    }

    /// Moves the new parts of the streams. Whether there is more.
    private func readAndWrite() throws(GuestAgent.Failure) -> Bool {
        let texts = try read()
        hear(texts[0])
        for (number, text) in texts.dropFirst().enumerated() {
            spools[number].note(text.count)
            if text.isEmpty { continue }
            quietSince = .now
            // Others can have the agent while whoever reads the output takes their time.
            if number == 0 { output.write(text) { turns.end() } } else { errors.write(text) { turns.end() } }
        }
        isDrained = !spools.contains { $0.isFull }
        return texts.dropFirst().contains { !$0.isEmpty }
    }

    /// The new parts of the notices and of the streams.
    private func read() throws(GuestAgent.Failure) -> [[UInt8]] {
        let status = QMPRequest.executionStatus(pid)
        // What was read last over another connection may not have arrived.
        let isNew = !turns.isOpen
        let hasEnded = scriptCode != nil
        let files = [control] + spools
        let reads = files.map { QMPRequest.read($0.handle, count: $0.request) }
        typealias Replies = (texts: [[UInt8]], seen: ExecutionStatus?)
        let replies = try turns.talk { (agent, deadline) throws(GuestAgent.Failure) -> Replies in
            for file in files where isNew {
                _ = try agent.execute(.seek(file.handle, to: file.position), by: deadline)
            }
            // In this order: all that a script that has ended has told is in the files.
            if !hasEnded { try agent.post(status, by: deadline) }
            for read in reads { try agent.post(read, by: deadline) }
            let seen = hasEnded ? nil : try agent.reply(to: status, by: deadline)
            var texts: [[UInt8]] = []
            for read in reads { texts.append(try agent.reply(to: read, by: deadline)) }
            return (texts, seen)
        }
        if case .ended(let code)? = replies.seen { scriptCode = code }
        return replies.texts
    }

    private func hear(_ text: [UInt8]) {
        control.note(text.count)
        controlLine += text
        while let end = controlLine.firstIndex(of: UInt8(ascii: "\n")) {
            let notice = GuestNotice(String(decoding: controlLine[..<end], as: UTF8.self))
            controlLine.removeSubrange(...end)
            switch notice {
            case .shell(let pid): shell = pid
            case .keeper(let stream, let pid):
                for number in spools.indices where spools[number].stream == stream { spools[number].keeper = pid }
            case .ready: source?.isReady = true
            case .read(let number): source?.wasRead(number)
            case .lostDirectory: lostDirectory = true
            case .cut: isCut = true
            case .code(let code):
                self.code = code
                quietSince = .now
            case nil: break
            }
        }
        // The script's lines are short.
        if controlLine.count > 4096 { controlLine = [] }
    }

    /// Stops the process that writes a spool file, reads the rest, and empties it. Meanwhile the command waits, as it would for
    /// a slow reader of its pipe.
    private func empty(_ number: Int) throws(GuestAgent.Failure) {
        // One that has ended can't be stopped, and its file is about to be removed.
        guard let keeper = spools[number].keeper, scriptCode == nil,
            try turns.run(GuestSignal.holdScript, [String(keeper)]) == 0
        else { return }
        // The file can't be larger, whatever the agent says.
        var rounds = 1024
        while rounds > 0, try readAndWrite() { rounds -= 1 }
        let spool = spools[number]
        try turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            let handle = try agent.execute(.openFile(spool.path, mode: "w"), by: deadline)
            try agent.execute(.close(handle), by: deadline)
            try agent.execute(.seek(spool.handle, to: 0), by: deadline)
        }
        spools[number].wasEmptied()
        try turns.run(GuestSignal.goOnScript, [String(keeper)])
    }

    // Its end

    /// How it ended, once it has and all of its output was written.
    private func result(_ ending: Ending?) throws(VMError) -> Int32? {
        guard scriptCode != nil, isDrained else {
            if code != nil, ContinuousClock.now - quietSince > Self.linger, isDrained { try letGo() }
            return nil
        }
        close()
        if lostDirectory, let directory = command.directory {
            throw VMError(
                .notFound, vm.name.description, "the guest has no directory \(directory), or it can't be entered")
        }
        if let failure = output.failure ?? errors.failure {
            throw VMError(
                .cannotCreate, output.failure == nil ? "stderr" : "stdout",
                "can't be written, so the command in \(vm.name) was ended", errno: failure)
        }
        if let ending {
            if let error = ending.error(of: vm.name) { throw error }
            return ending.code ?? code ?? 128 + SIGKILL
        }
        if isCut, !hasLetGo {
            throw VMError(
                .cannotCreate, vm.name.description, "a part of the command's output is lost: the guest's /run is full",
                remedy: "make room there: \(command: "kvmctl exec \(vm.name) -- df -h /run")")
        }
        if let code { return code }
        throw VMError(
            .unavailable, vm.name.description, "the command's end is not known: its shell in the guest was ended",
            remedy: "see the guest's log")
    }

    /// What the command has left running keeps its output open: it is not waited for.
    private func letGo() throws(VMError) {
        guard !hasLetGo else { return }
        hasLetGo = true
        do throws(GuestAgent.Failure) { try turns.run(GuestSignal.script, ["KILL", String(pid)]) } catch {
            try recover(from: error)
        }
    }

    private func close() {
        if source != nil { _ = try? turns.run(GuestCommand.lateTidying, [base]) }
        let handles = ([control] + spools).map(\.handle) + (source?.handles ?? [])
        try? turns.talk { (agent, deadline) throws(GuestAgent.Failure) in
            for handle in handles { try agent.post(.close(handle), by: deadline) }
            for handle in handles { try agent.reply(to: .close(handle), by: deadline) }
        }
        turns.end()
    }

    /// Passes a signal on to the command, once that has begun, or, with `kill`, ends all of it.
    private func pass(_ signal: GuestSignal) throws(VMError) {
        guard let parent = signal == .kill ? pid : shell else { return early.append(signal) }
        do throws(GuestAgent.Failure) {
            try turns.run(GuestSignal.script, [signal.rawValue, String(parent)])
        } catch { try recover(from: error) }
    }

    /// Goes on after a failure that passes.
    private func recover(from failure: GuestAgent.Failure) throws(VMError) {
        switch failure {
        case .taken: return
        case .refused(let words?) where words.contains("frozen"): return pause(.milliseconds(200))
        case .refused where code != nil:
            // The reply that the script has ended is lost with a connection.
            scriptCode = scriptCode ?? 0
            return
        case .silent where turns.isPaused:
            isStalled = true
            return
        case .silent where failures == 0:
            failures += 1
            return
        default: throw turns.loss(failure, of: "the command")
        }
    }
}

/// The end of a command that has to end: first it is told, and after a while it is killed.
private struct Ending {
    /// The exit code that it leads to; nil: the command's own.
    let code: Int32?
    /// The time limit that was passed; nil: there is another reason.
    private let timeout: Duration?
    private var steps: [GuestSignal]
    private var next = Deadline(in: .zero)

    /// How long a command may take to end after it was told to.
    private static let grace = Duration.seconds(5)

    init(_ first: GuestSignal, code: Int32?, timeout: Duration? = nil) {
        self.code = code
        self.timeout = timeout
        // An agent on a busy guest may not have got to the first.
        steps = [first, .kill, .kill]
    }

    /// - Parameter signal: what it was told already.
    init(after signal: GuestSignal) {
        self.init(signal, code: nil)
        steps.removeFirst()
        next = Deadline(in: Self.grace)
    }

    /// Takes the next step, if it is time for that. False if there is none left.
    mutating func pursue(_ send: (GuestSignal) throws(VMError) -> Void) throws(VMError) -> Bool {
        guard next.hasPassed else { return true }
        guard !steps.isEmpty else { return false }
        try send(steps.removeFirst())
        next = Deadline(in: Self.grace)
        return true
    }

    func error(of name: VMName) -> VMError? {
        guard let timeout else { return nil }
        return VMError(
            .timedOut, name.description, "the command took longer than \(timeout.components.seconds) s, and was ended")
    }
}
