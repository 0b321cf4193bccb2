import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// A connection to a TCP port, made to see whether something listens there.
package struct TCPProbe: ~Copyable {
    private let socket: OwnedDescriptor

    /// Connects.
    ///
    /// - Parameter host: a literal address, with its zone if it needs one.
    /// - Throws: why it can't: `.connectionRefused`, `.timedOut`, …
    package init(host: String, port: UInt16, within patience: Duration) throws(Errno) {
        let result = clinux_tcp_probe(host, port, Int32(clamping: patience.wholeMilliseconds))
        socket = try OwnedDescriptor(returned: result)
    }

    /// What the other end has done.
    package enum Deed: Sendable { case nothing, sent, closed }

    /// What the other end does within a time.
    package func deed(within patience: Duration) -> Deed {
        var set = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&set, 1, CInt(clamping: patience.wholeMilliseconds)) > 0 else { return .nothing }
        var byte: UInt8 = 0
        return recv(socket.rawValue, &byte, 1, CInt(MSG_PEEK)) > 0 ? .sent : .closed
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
