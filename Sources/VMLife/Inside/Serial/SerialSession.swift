import VMCore
import VMHost

/// The conversation with a `SerialScript`: requests and their answers, each asked for again if it was damaged on its way.
final class SerialSession {
    let line: SerialLine
    private let token: String
    private var frames: SerialFrames
    private var waiting: [SerialFrame] = []
    private var sequence = 0
    /// Whether this process was told to end: a paused VM answers nothing, and nobody waits for that against their will.
    var isToEnd: () -> Bool = { false }
    private(set) var hello = SerialFrame.Hello(encoding: .base64, checksum: .cksum, uid: 0)

    /// Whether there is a script to be ended.
    private(set) var isRunning = false

    /// When something of a frame came last, or something was asked.
    private var lastMove = ContinuousClock.now
    private var moved = 0
    /// Whether other text has come since: it may have damaged an answer.
    private var isDisturbed = false

    /// How long nothing may come before an answer that was disturbed is asked for again.
    private static let lull = Duration.milliseconds(400)
    /// How long answers are waited for, one try after the other.
    private static let tries: [Duration] = [2, 3, 5, 8, 10].map { .seconds($0) }

    init(_ line: SerialLine, token: String) {
        (self.line, self.token) = (line, token)
        frames = SerialFrames(token: token)
        line.forget()
    }

    /// Starts the script.
    ///
    /// - Throws: what the guest lacks for it.
    func begin(_ script: SerialScript, isOwnLogin: Bool) throws(VMError) {
        try open(script, isOwnLogin)
        for text in script.lines { try line.send(text) }
        for limit in Self.tries {
            let answer = try first(in: limit) {
                switch $0 {
                case .hello, .missing: true
                default: false
                }
            }
            switch answer {
            case .hello(let hello):
                self.hello = hello
                return
            case .missing(let tools): throw missing(tools, for: script.command)
            default: _ = try post("hello")
            }
        }
        throw line.silence(as: "the shell on its console does not answer")
    }

    private func open(_ script: SerialScript, _ isOwnLogin: Bool) throws(VMError) {
        for _ in 0..<3 {
            try line.send(script.opening(isOwnLogin: isOwnLogin))
            if try first(in: .seconds(5), { $0 == .ready }) != nil {
                isRunning = true
                return
            }
            // It may wait for the script, and its word was damaged: an empty one ends it.
            try line.send(".")
            _ = try first(in: .seconds(1)) { if case .missing = $0 { true } else { false } }
        }
        throw VMError(
            .unavailable, line.vm.name.description, "what is on its console takes no commands as a shell does",
            remedy: "see what it is: \(command: "kvmctl console \(line.vm.name)")",
            details: line.progress.lastLines.last.map { [SerialShell.shown($0)] } ?? [])
    }

    private func missing(_ tools: [String], for command: GuestCommand) -> VMError {
        isRunning = false
        let name = line.vm.name.description
        if tools.contains("root") {
            return VMError(
                .denied, name, "only root can run a command as another user, and its console is not root's",
                remedy: "log in as root, or as that user, with --login")
        }
        if tools == ["user"], let user = command.user { return .noUser(user, in: line.vm.name) }
        if tools == ["directory"] {
            return VMError(
                .unavailable, name, "the guest has no directory for the command's output that can be written",
                remedy: "its /run, /dev/shm or /tmp has to be writable, and not full")
        }
        if tools.contains("script") { return line.silence(as: "the guest's console loses what is sent to it") }
        let known = tools.map { Printable.foreign(Printable.excerpt($0)) }.joined(separator: ", ")
        return VMError(
            .unavailable, name, "the guest lacks what a command on its console needs: \(known)",
            remedy: "install coreutils or busybox there")
    }

    // Requests

    /// Sends a request; returns its number.
    func post(_ kind: String, _ words: [String] = []) throws(VMError) -> Int {
        sequence += 1
        try line.send(SerialScript.request(token, kind, sequence, words))
        (lastMove, isDisturbed) = (.now, false)
        return sequence
    }

    /// A request that is answered at once.
    ///
    /// - Parameter data: lines that follow it.
    func ask(
        _ kind: String, _ words: [String] = [], data: [String] = [],
        tries: ArraySlice<Duration> = SerialSession.tries[...]
    ) throws(VMError) -> SerialFrame {
        // An answer that was disturbed is no sign of silence; but there has to be one at last.
        var disturbances = 50
        while true {
            var next = tries
            let begin = sequence + 1
            let transit = Duration.milliseconds(data.reduce(0) { $0 + $1.utf8.count } / 4)
            while let limit = next.first {
                let number = try post(kind, words)
                for text in data { try line.send(text) }
                if !data.isEmpty { (lastMove, isDisturbed) = (.now, false) }
                // Data is the same each time, so any answer to it will do; it takes a while to get there.
                if !data.isEmpty {
                    if let answer = try first(
                        in: limit + transit, isPatient: true, { $0.sequence.map { $0 >= begin } == true })
                    {
                        return answer
                    }
                } else if let answer = try first(in: limit, { $0.sequence == number }) {
                    return answer
                }
                if isDoubtful, disturbances > 0 { disturbances -= 1 } else { next.removeFirst() }
                if line.isPaused, isToEnd() { throw line.vm.paused(so: "its guest can't answer") }
                // Where a line was lost, the guest waits for one more. It skips this one otherwise.
                if !data.isEmpty { try line.send(".") }
            }
            guard line.isPaused else { throw line.silence(as: "the guest's console does not answer any more") }
        }
    }

    /// The next frame; nil if none came in that time.
    func next(in limit: Duration, besides other: CInt? = nil) throws(VMError) -> SerialFrame? {
        if waiting.isEmpty { try take(in: limit, besides: other) }
        return waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// Whether the answer to a request has come and waits to be taken.
    func has(answerTo number: Int) -> Bool { waiting.contains { $0.sequence == number } }

    /// Whether the answer to what was posted may have been lost.
    var isDoubtful: Bool { isDisturbed && .now - lastMove > Self.lull }

    /// How long nothing was asked or answered.
    var idle: Duration { .now - lastMove }

    /// After this process was stopped: that time is not the guest's.
    func goOn() { lastMove = .now }

    /// The first frame of this kind; nil if it does not come in time, or may have been damaged. Others are kept.
    ///
    /// - Parameter isPatient: whether all of that time is waited for.
    private func first(
        in limit: Duration, isPatient: Bool = false, _ isWanted: (SerialFrame) -> Bool
    ) throws(VMError) -> SerialFrame? {
        let deadline = Deadline(in: limit)
        while true {
            if let index = waiting.firstIndex(where: isWanted) { return waiting.remove(at: index) }
            // As long as an answer is on its way, it has time.
            if isDoubtful && !isPatient || deadline.hasPassed && idle > Self.lull { return nil }
            try take(in: min(max(deadline.remaining, .milliseconds(50)), Self.lull), besides: nil)
        }
    }

    private func take(in limit: Duration, besides other: CInt?) throws(VMError) {
        for item in frames.take(try line.read(in: limit, besides: other)) {
            switch item {
            // What nobody waits for any more is dropped: the guest must not fill the memory.
            case .frame(let frame): waiting = waiting.suffix(16) + [frame]
            case .other(let text):
                isDisturbed = true
                line.note(text)
            }
        }
        if frames.moved != moved { (moved, lastMove) = (frames.moved, .now) }
    }

    /// Ends the script, which gives the console back.
    func end() throws(VMError) {
        _ = try post("quit")
        _ = try first(in: .seconds(5)) { $0 == .bye }
    }
}
