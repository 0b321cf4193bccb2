import Glibc
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost

/// A QEMU without a guest, to try commands on. Its monitor is a socket, so that descriptors can be sent to it. A test that
/// needs it fails where QEMU is missing.
final class RealQEMU {
    /// QEMU refused a command, in its own words.
    struct Refusal: Error { let text: String }

    private let socket: CInt
    private(set) var pid: pid_t = 0
    private var received: [UInt8] = []
    private var events: [QMPEvent] = []

    /// - Parameter record: a file to which a second monitor, on standard input and output, appends the machine's events.
    init(_ arguments: [String], record: FilePath? = nil) throws {
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        defer { close(ends[1]) }
        socket = ends[0]
        // Nothing waits for ever.
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        pid = try Self.spawn(
            [
                "qemu-system-x86_64", "-S", "-machine", "q35,accel=tcg", "-nodefaults", "-display", "none",
                "-chardev", "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control",
            ]
                + (record == nil
                    ? [] : ["-chardev", "stdio,id=record,signal=off", "-mon", "chardev=record,mode=control"])
                + arguments, monitor: ends[1], record: record)
        try execute(QMPCommand("qmp_capabilities"))
    }

    deinit {
        close(socket)
        guard pid > 0 else { return }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// - Parameters:
    ///   - monitor: A descriptor that it gets as number 3.
    ///   - record: A file that it gets as standard output. Its standard input then enables the monitor there.
    static func spawn(_ words: [String], monitor: CInt? = nil, record: FilePath? = nil) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let monitor { posix_spawn_file_actions_adddup2(&actions, monitor, 3) }
        if let record {
            let input = record.removingLastComponent().appending("input")
            try replaceFile(input, with: Array("{\"execute\":\"qmp_capabilities\"}\n".utf8), permissions: 0o600)
            posix_spawn_file_actions_addopen(&actions, 0, input.string, O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, record.string, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        var arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, words[0], &actions, nil, &arguments, environ)
        guard result == 0 else { throw Errno(rawValue: result) }
        return pid
    }

    /// Carries out a command and returns what QEMU replies.
    @discardableResult
    func execute(_ command: QMPCommand, sending descriptor: CInt? = nil) throws -> JSON {
        try send(Array((command.line() + "\n").utf8), descriptor)
        while true {
            switch try message() {
            case .reply(_, let value): return value
            case .failure(_, _, let text): throw Refusal(text: text)
            case .event(let event): events.append(event)
            case .greeting: continue
            }
        }
    }

    /// Waits until a device is gone.
    func awaitDeletion(of id: String) throws {
        while !events.contains(where: { $0.name == "DEVICE_DELETED" && $0.data["device"]?.string == id }) {
            if case .event(let event) = try message() { events.append(event) }
        }
        events = []
    }

    private func message() throws -> QMPMessage {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                defer { received.removeSubrange(...end) }
                return try #require(QMPMessage(line: received[..<end]))
            }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = recv(socket, &chunk, chunk.count, 0)
            try #require(count > 0, "QEMU ended, or said nothing for 30 seconds")
            received += chunk[..<count]
        }
    }

    /// Sends bytes, and with them a descriptor (SCM_RIGHTS, unix(7), cmsg(3)).
    private func send(_ bytes: [UInt8], _ descriptor: CInt?) throws {
        var bytes = bytes
        let size = MemoryLayout<cmsghdr>.size
        var control = [UInt8](repeating: 0, count: size + MemoryLayout<Int>.size)
        let sent = bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var message = msghdr()
                    message.msg_iov = vector
                    message.msg_iovlen = 1
                    if let descriptor {
                        var header = cmsghdr()
                        header.cmsg_len = size + MemoryLayout<CInt>.size
                        header.cmsg_level = SOL_SOCKET
                        header.cmsg_type = CInt(SCM_RIGHTS)
                        control.storeBytes(of: header, as: cmsghdr.self)
                        control.storeBytes(of: descriptor, toByteOffset: size, as: CInt.self)
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                    }
                    return sendmsg(socket, &message, CInt(MSG_NOSIGNAL))
                }
            }
        }
        try #require(sent == bytes.count)
    }
}
