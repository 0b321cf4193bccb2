import Glibc
import SystemPackage
import VMCore
import VMHost

/// Something the user of a console should know.
package enum ConsoleNotice: Sendable {
    /// The guest has written nothing yet.
    case silent
    /// The guest does not read its input, and what is typed now is dropped.
    case full
}

/// Copies bytes between a console socket and its user. Only poll(2) blocks here: whichever side stalls, the keyboard is
/// read.
struct ConsoleExchange: ~Copyable {
    /// How long a console may be silent before the user is told the usual reason.
    private static let silence = Duration.seconds(3)
    /// How long to wait for more output once the input has ended.
    private static let lastWords = Duration.milliseconds(500)
    /// How long the guest may leave the rest unread once the input has ended.
    private static let patience = Duration.seconds(10)
    /// The most bytes that are kept for a guest that does not read.
    private static let room = 1 << 20
    /// The most bytes read at a time: a pipe that is ready takes that many whole (PIPE_BUF, pipe(7)).
    private static let piece = 4096

    private let name: VMName
    private let socket: CInt
    private let keyboard: ConsoleKeyboard
    private let screen: ConsoleScreen
    private var toGuest: ArraySlice<UInt8> = []
    private var toUser: ArraySlice<UInt8> = []
    private var isDropping = false
    private var inputEnded = false
    /// When the user is told that the guest is silent; nil once the guest has written something or the user was told.
    private var firstWord: Deadline? = Deadline(in: Self.silence)
    /// When to give up, once no more input is read.
    private var rest = Deadline(in: Self.lastWords)

    /// - Parameter isNew: whether nothing of the console has been shown yet, so that silence is worth a word.
    init(
        name: VMName, socket: CInt, input: CInt, output: CInt, escape: ConsoleEscape, isNew: Bool
    ) {
        self.name = name
        self.socket = socket
        keyboard = ConsoleKeyboard(input, escape)
        if !isNew { firstWord = nil }
        screen = ConsoleScreen(output)
    }

    mutating func run(tell: (ConsoleNotice) -> Void) throws(VMError) -> ConsoleEnd {
        while true {
            let ready = try wait()
            if ready.input, let end = type(tell) { return end }
            if ready.socket, !toGuest.isEmpty { send() }
            if ready.socket, toUser.isEmpty, !receive() { return .closed }
            if ready.output, try !show() { return .hungUp }
            if !readsInput {
                if toUser.isEmpty, rest.hasPassed { return try giveUp() }
            } else if firstWord?.hasPassed == true {
                firstWord = nil
                tell(.silent)
            }
        }
    }

    /// A terminal is always read, so that the escape works. Other input is not read while there is no room for it.
    private var readsInput: Bool {
        !inputEnded && (keyboard.isTerminal || toGuest.count + ConsoleKeyboard.piece <= Self.room)
    }

    /// Waits until a side is ready or the time is up. A descriptor with nothing to do is left out: poll(2) would report
    /// its hang-up again and again.
    private func wait() throws(VMError) -> (socket: Bool, input: Bool, output: Bool) {
        let wanted = (toUser.isEmpty ? POLLIN : 0) | (toGuest.isEmpty ? 0 : POLLOUT)
        var set = [
            pollfd(fd: wanted == 0 ? -1 : socket, events: Int16(wanted), revents: 0),
            pollfd(fd: readsInput ? keyboard.descriptor : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: toUser.isEmpty ? -1 : screen.descriptor, events: Int16(POLLOUT), revents: 0),
        ]
        let limit = !toUser.isEmpty ? nil : readsInput ? firstWord : rest
        let count = poll(&set, nfds_t(set.count), limit?.milliseconds ?? -1)
        if count < 0, errno != EINTR {
            throw .system(Errno(rawValue: errno), name.description, "lost its console")
        }
        return (set[0].revents != 0, set[1].revents != 0, set[2].revents != 0)
    }

    /// Reads what the user typed. The escape leaves at once: what the guest does not take immediately is dropped.
    private mutating func type(_ tell: (ConsoleNotice) -> Void) -> ConsoleEnd? {
        let (typed, end) = keyboard.read()
        let kept = typed.prefix(Self.room - toGuest.count)
        toGuest += kept
        if kept.count < typed.count, !isDropping {
            isDropping = true
            tell(.full)
        }
        if end == .left {
            send()
            return end
        }
        inputEnded = end != nil
        extendRest()
        return nil
    }

    /// Sends the guest as much as it takes now.
    private mutating func send() {
        let count = toGuest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
        if count >= 0 {
            toGuest.removeFirst(count)
            extendRest()
        } else if errno != EAGAIN, errno != EINTR {
            // QEMU is gone. What it wrote before can still be read, and then the end of the stream.
            toGuest = []
        }
        if toGuest.isEmpty { isDropping = false }
    }

    /// Reads what the guest wrote. False at the end of the stream.
    private mutating func receive() -> Bool {
        var chunk = [UInt8](repeating: 0, count: Self.piece)
        let count = recv(socket, &chunk, chunk.count, 0)
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        toUser = chunk[..<count]
        firstWord = nil
        return count > 0
    }

    /// Writes as much as the user's side takes now. False if nothing reads it any more.
    private mutating func show() throws(VMError) -> Bool {
        let count = toUser.withUnsafeBytes { Glibc.write(screen.descriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
            toUser.removeFirst(count)
            if toGuest.isEmpty { extendRest() }
            return true
        }
        switch Errno(rawValue: errno) {
        case .wouldBlock, .interrupted: return true
        case .brokenPipe: return false
        case let error: throw .system(error, "stdout", "can't be written")
        }
    }

    private mutating func extendRest() { rest = Deadline(in: toGuest.isEmpty ? Self.lastWords : Self.patience) }

    /// Ends a session that reads no more input and in which nothing has moved for long enough.
    private func giveUp() throws(VMError) -> ConsoleEnd {
        guard toGuest.isEmpty else {
            throw VMError(
                .timedOut, name.description, "the guest does not read its console: \(toGuest.count) bytes are left",
                remedy: "see whether it still runs: \(command: "kvmctl show \(name)")")
        }
        return .hungUp
    }
}

/// Where a console is shown.
struct ConsoleScreen: ~Copyable {
    let descriptor: CInt
    private let isOwn: Bool

    /// A terminal is opened again: O_NONBLOCK on the given descriptor would affect every process that shares it.
    init(_ given: CInt) {
        let own = isatty(given) == 1 ? open("/proc/self/fd/\(given)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1
        isOwn = own >= 0
        descriptor = isOwn ? own : given
    }

    deinit { if isOwn { close(descriptor) } }
}
