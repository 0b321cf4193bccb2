import Glibc
import SystemPackage

/// The guest's serial console on the caller's terminal, until Ctrl-] or the VM's end.
public struct ConsoleRelay: ~Copyable {
    /// Why the relay ended.
    public enum End: Sendable {
        /// The user pressed Ctrl-].
        case left
        /// QEMU closed the console.
        case closed
        /// The input ended.
        case inputEnded
    }

    /// Ctrl-].
    private static let escape: UInt8 = 0x1d
    /// How long a line may be silent before the user is told what that mostly means.
    private static let silence = Duration.seconds(3)

    private let name: VMName
    private let turn: ByteLockFile
    private let socket: OwnedDescriptor

    private init(name: VMName, turn: consuming ByteLockFile, socket: consuming OwnedDescriptor) {
        self.name = name
        self.turn = turn
        self.socket = socket
    }

    /// Connects to the console of a running VM.
    ///
    /// - Throws: `.busy` if somebody else has it, or if the VM does not run.
    public static func connect(_ vm: VMReference, paths: Paths) throws(VMError) -> ConsoleRelay {
        let name = vm.name
        let directory = RuntimeDirectory(name, in: paths)
        let state = Observation(name, in: paths).state
        guard state != .unknown else {
            throw VMError(
                .denied, name.description, "belongs to another user", remedy: "run kvmctl as that user, or as root")
        }
        guard state.isAlive, directory.isRunning(vm.file) else {
            throw VMError(.busy, name.description, "it is not running", remedy: "start it: `kvmctl start \(name)`")
        }
        let turn = try directory.openTurns()
        guard try turn.wait(for: .console, of: directory, by: Deadline(in: .milliseconds(200))) else {
            throw VMError(
                .busy, name.description, "its console is in use",
                remedy: "follow what it shows: `kvmctl logs --follow \(name)`")
        }
        do throws(Errno) {
            return ConsoleRelay(name: name, turn: turn, socket: try directory.connect(.serial))
        } catch {
            throw .system(error, name.description, "can't reach its console")
        }
    }

    /// Passes bytes both ways. `hint` is called once, if nothing is heard for a while.
    public func run(input: CInt, output: CInt, hint: () -> Void) throws(VMError) -> End {
        let terminal = RawTerminal(input)
        defer { terminal?.restore() }
        // What was typed and the guest has not taken yet; while there is some, no more is read.
        var pending: ArraySlice<UInt8> = []
        var end: End?
        var quiet = Deadline(in: Self.silence)
        var heard = false
        while true {
            if let end, pending.isEmpty, end == .left || quiet.hasPassed { return end }
            var set = [
                pollfd(fd: socket.rawValue, events: Int16(pending.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0),
                pollfd(fd: pending.isEmpty && end == nil ? input : -1, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&set, 2, heard && end == nil ? -1 : quiet.milliseconds)
            if ready < 0, errno != EINTR { throw .system(Errno(rawValue: errno), name.description, "lost its console") }
            if ready == 0, !heard, end == nil {
                hint()
                heard = true
            }
            guard ready > 0 else { continue }
            if set[0].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                heard = true
                guard try copyOut(to: output) else { return .closed }
                if end != nil { quiet = Deadline(in: Self.lastWords) }
            }
            if set[0].revents & Int16(POLLOUT) != 0 { send(&pending) }
            if set[1].revents != 0 {
                (pending, end) = read(input)
                if end != nil { quiet = Deadline(in: Self.lastWords) }
            }
        }
    }

    /// How long to wait for more of the guest's answer once the input has ended.
    private static let lastWords = Duration.milliseconds(500)

    /// What the guest wrote. False at its end.
    private func copyOut(to output: CInt) throws(VMError) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16384)
        let count = recv(socket.rawValue, &chunk, chunk.count, 0)
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        guard count > 0 else { return false }
        do throws(Errno) { try writeAll(Array(chunk[..<count]), to: FileDescriptor(rawValue: output)) } catch {
            throw .system(error, "stdout", "can't be written")
        }
        return true
    }

    /// What the user typed, up to Ctrl-].
    private func read(_ input: CInt) -> (ArraySlice<UInt8>, End?) {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(input, &chunk, chunk.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return ([], nil) }
        guard count > 0 else { return ([], .inputEnded) }
        let typed = chunk[..<count].prefix { $0 != Self.escape }
        return (typed, typed.count < count ? .left : nil)
    }

    /// Gives the guest as much as it takes now. A console that is gone shows when it is read.
    private func send(_ pending: inout ArraySlice<UInt8>) {
        let count = pending.withUnsafeBytes {
            Glibc.send(socket.rawValue, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        if count > 0 { pending = pending.dropFirst(count) }
    }
}

/// A terminal in raw mode (termios(3)): every key goes through as it is.
struct RawTerminal {
    private let descriptor: CInt
    private let before: termios

    /// Nil where the descriptor is no terminal.
    init?(_ descriptor: CInt) {
        var mode = termios()
        guard tcgetattr(descriptor, &mode) == 0 else { return nil }
        self.descriptor = descriptor
        before = mode
        cfmakeraw(&mode)
        tcsetattr(descriptor, TCSANOW, &mode)
    }

    func restore() {
        var mode = before
        tcsetattr(descriptor, TCSADRAIN, &mode)
    }
}
