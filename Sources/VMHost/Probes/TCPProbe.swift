import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A connection to a TCP port, made to see whether something listens there.
package struct TCPProbe: ~Copyable {
    private let socket: OwnedDescriptor
    /// The port that it comes from.
    package let source: UInt16

    /// Connects.
    ///
    /// - Parameter host: a literal address, with its zone if it needs one.
    /// - Throws: why it can't: `.connectionRefused`, `.timedOut`, …
    package init(host: String, port: UInt16, within patience: Duration) throws(Errno) {
        var from: UInt16 = 0
        let result = clinux_tcp_probe(host, port, Int32(clamping: patience.wholeMilliseconds), &from)
        socket = try OwnedDescriptor(returned: result)
        source = from
    }

    /// Whether the other end has closed it, within a time.
    package func isClosed(within patience: Duration) -> Bool {
        var set = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&set, 1, CInt(clamping: patience.wholeMilliseconds)) > 0 else { return false }
        var byte: UInt8 = 0
        return recv(socket.rawValue, &byte, 1, CInt(MSG_PEEK)) <= 0
    }
}

extension GuestEvidence.PortAnswer {
    /// What a failed connection tells.
    package init(_ errno: Errno) {
        self =
            switch errno {
            case .connectionRefused, .connectionReset: .refused
            case .timedOut: .silent
            default: .unreachable
            }
    }
}
