import Glibc
import VMCore
import VMHost

/// How a command ended.
package enum CommandEnd {
    /// With this exit code; 128 and the signal's number if a signal ended it.
    case exited(Int32)
    /// It took longer than it was allowed to, and was ended.
    case overran(VMError)

    /// The exit code of `exec` and `run` if kvmctl itself failed.
    package static let ownFailure: Int32 = 125
}

/// The end of a command that has to end: first it is told, and after a while it is killed.
struct CommandEnding {
    /// The exit code that it leads to; nil: the command's own.
    private let code: Int32?
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

    /// How long after its time a command's output is read: until it is killed, and as long again. What it had left to say may be
    /// without an end.
    static let lastOutput = grace + grace

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

    /// What is reported of a command that has ended, with this code if that is known.
    ///
    /// - Parameter isCut: whether some of its output was not read.
    func end(_ code: Int32?, of name: VMName, isCut: Bool) -> CommandEnd {
        overrun(name, "and was ended", isCut) ?? .exited(self.code ?? code ?? 128 + SIGKILL)
    }

    /// What is reported of a command that survives even that.
    ///
    /// - Parameter isPaused: whether the VM is, so that nobody in the guest could be told anything.
    func survival(of name: VMName, isCut: Bool, isPaused: Bool) throws(VMError) -> CommandEnd {
        let what =
            isPaused
            ? "and goes on when the VM does, which is paused"
            : "was told to end and then killed, and still runs in the guest"
        if let overrun = overrun(name, what, isCut) { return overrun }
        throw VMError(
            .unavailable, name.description,
            isPaused ? "the VM is paused, and the command in it" : "the command \(what)",
            remedy: isPaused
                ? .run("let it go on", "kvmctl resume \(name)")
                : "it may wait for a disk: see the guest's console, \(command: "kvmctl logs \(name)")")
    }

    /// The failure of a command of which nobody in the guest can tell how it ended.
    ///
    /// - Parameter words: what that shell said last.
    static func unknown(_ name: VMName, _ words: [UInt8] = []) -> VMError {
        let said = String(decoding: words.prefix(200), as: UTF8.self).split(separator: "\n").prefix(2)
        return VMError(
            .unavailable, name.description, "the command's end is not known: its shell in the guest was ended",
            remedy: "see the guest's log", details: said.map { "it said: \(Printable.foreign(String($0)))" })
    }

    /// The failure of a command whose shell had to hand more to the agent than that keeps.
    static func overflow(_ name: VMName) -> VMError {
        VMError(
            .unavailable, name.description,
            "a part of the output is lost: what the command left running wrote more than the guest agent keeps, 16 MB",
            remedy: "have what goes on write to a file")
    }

    /// The failure of a command whose output could not be kept in the guest.
    ///
    /// - Parameter code: that of the `cat` which should have. SIGXFSZ is the script's own limit, for a client that is gone.
    static func lostOutput(_ code: Int32, _ name: VMName) -> VMError {
        let wasKilled = code > 128 && code != 128 + SIGXFSZ
        return VMError(
            .cannotCreate, name.description,
            "a part of the command's output is lost: "
                + (wasKilled
                    ? "what passes it on was ended in the guest by signal \(code - 128)"
                    : "the guest has no room for it, in /run or where else it is kept for a moment"),
            remedy: wasKilled ? nil : .run("see where there is none", "kvmctl exec \(name) -- df -h"))
    }

    /// The failure of a command that was not begun, for want of its directory.
    static func noDirectory(_ directory: String?, _ name: VMName) -> VMError {
        VMError(
            .notFound, name.description, "the guest has no directory \(directory ?? ""), or it can't be entered")
    }

    private func overrun(_ name: VMName, _ end: String, _ isCut: Bool) -> CommandEnd? {
        timeout.map {
            .overran(
                VMError(
                    .timedOut, name.description, "the command took longer than \($0.components.seconds) s, \(end)",
                    details: isCut
                        ? ["its output was cut: that is read for \(Self.lastOutput.components.seconds) s more at most"]
                        : []))
        }
    }
}
