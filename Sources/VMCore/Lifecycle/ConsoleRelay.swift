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
    private let lock: ByteLockFile
    private let socket: OwnedDescriptor

    private init(name: VMName, lock: consuming ByteLockFile, socket: consuming OwnedDescriptor) {
        self.name = name
        self.lock = lock
        self.socket = socket
    }

    /// Connects to the console of a running VM.
    ///
    /// - Throws: `.busy` if somebody else has it, or if the VM does not run.
    public static func connect(_ name: VMName, paths: Paths) throws(VMError) -> ConsoleRelay {
        let directory = RuntimeDirectory(name, in: paths)
        guard Observation(name, in: paths).state.isAlive else {
            throw VMError(.busy, name.description, "it is not running", remedy: "start it: `kvmctl start \(name)`")
        }
        let lock = try directory.openLock()
        guard try lock.wait(for: .console, of: directory, by: Deadline(in: .milliseconds(200))) else {
            throw VMError(
                .busy, name.description, "its console is in use",
                remedy: "follow what it shows: `kvmctl logs --follow \(name)`")
        }
        do throws(Errno) {
            return ConsoleRelay(name: name, lock: lock, socket: try directory.connect(.serial))
        } catch {
            throw .system(error, name.description, "can't reach its console")
        }
    }

    /// Passes bytes both ways. `hint` is called once, if nothing is heard for a while.
    public func run(input: CInt, output: CInt, hint: () -> Void) throws(VMError) -> End {
        let terminal = RawTerminal(input)
        defer { terminal?.restore() }
        var hintTime: Deadline? = Deadline(in: Self.silence)
        while true {
            var set = [
                pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&set, 2, hintTime?.milliseconds ?? -1)
            if ready < 0, errno != EINTR { throw .system(Errno(rawValue: errno), name.description, "lost its console") }
            if ready == 0, hintTime != nil {
                hint()
                hintTime = nil
            }
            guard ready > 0 else { continue }
            if set[0].revents != 0 {
                hintTime = nil
                guard try copyOut(to: output) else { return .closed }
            }
            if set[1].revents != 0, let end = try copyIn(from: input) { return end }
        }
    }

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

    /// What the user typed.
    private func copyIn(from input: CInt) throws(VMError) -> End? {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = read(input, &chunk, chunk.count)
        guard count > 0 else { return count == 0 ? .inputEnded : nil }
        let typed = chunk[..<count].prefix { $0 != Self.escape }
        var sent = 0
        while sent < typed.count {
            let more = typed[sent...].withUnsafeBytes {
                send(socket.rawValue, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if more > 0 {
                sent += more
            } else if errno == EAGAIN {
                // A guest that does not read its console: no reason to spin.
                pause(.milliseconds(10))
            } else if errno != EINTR {
                return .closed
            }
        }
        return typed.count < count ? .left : nil
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
