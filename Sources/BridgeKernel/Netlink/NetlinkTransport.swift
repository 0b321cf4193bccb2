import CLinux
import SystemPackage

/// Carries datagrams to the kernel and back without looking into them. Tests use a scripted one.
protocol NetlinkTransport {
    func send(_ datagram: [UInt8]) throws(Errno)

    /// The next datagram; `timedOut` if none comes within the time, `noBufferSpace` if the kernel dropped one.
    func receive(within limit: Duration) throws(Errno) -> Datagram
}

/// A datagram received.
struct Datagram: Equatable {
    var bytes: [UInt8]
    /// The netlink port that it came from: 0 is the kernel, anything else another process.
    var sender: UInt32 = 0
    /// Whether the datagram was longer than the bytes received.
    var isTruncated = false
}

/// The real transport: a route socket in the calling thread's network namespace.
final class KernelTransport: NetlinkTransport {
    private let socket: OwnedDescriptor

    /// More than the 32 KiB to which the kernel limits one part of a dump (`netlink_dump`).
    private static let bufferSize = 64 << 10

    init() throws(Errno) {
        self.socket = try OwnedDescriptor(returned: clinux_netlink_open())
    }

    func send(_ datagram: [UInt8]) throws(Errno) {
        let result = clinux_netlink_send(socket.rawValue, datagram, datagram.count)
        guard result == 0 else { throw Errno(rawValue: -result) }
    }

    func receive(within limit: Duration) throws(Errno) -> Datagram {
        var sender: UInt32 = 0
        var length = 0
        let (seconds, attoseconds) = limit.components
        let milliseconds = CInt(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.bufferSize) { buffer, count in
            length = clinux_netlink_receive(socket.rawValue, buffer.baseAddress, buffer.count, milliseconds, &sender)
            count = min(max(0, length), buffer.count)
        }
        guard length >= 0 else { throw Errno(rawValue: CInt(-length)) }
        return Datagram(bytes: bytes, sender: sender, isTruncated: length > bytes.count)
    }
}
