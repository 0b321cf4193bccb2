import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Whether a port can be listened on. Only a preview, for a clear message: QEMU's own bind(2) decides.
package enum PortProbe {
    /// Why it can't, according to socket(2) and bind(2): the port is in use, the host has no such address, or no such
    /// protocol; nil if no obstacle is known.
    ///
    /// - Parameters:
    ///   - maybeNotYet: whether the host may get the address later.
    ///   - sharing: whether the port is shared with other programs that do so too.
    package static func obstacle(to port: HostPort, maybeNotYet: Bool = false, sharing: Bool = false) -> Errno? {
        do throws(Errno) {
            _ = try bound(port, maybeNotYet: maybeNotYet, sharing: sharing)
            return nil
        } catch {
            // The program that will listen may have other rights than the caller.
            return error == .permissionDenied ? nil : error
        }
    }

    /// Takes a port, so that nobody else can. Nothing that arrives there is read.
    package static func take(_ port: HostPort) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            let socket = try bound(port)
            // Until it listens, another socket may be bound there too (socket(7), SO_REUSEADDR).
            if port.transport == .tcp, listen(socket.rawValue, 0) != 0 { throw Errno(rawValue: errno) }
            return socket
        } catch {
            throw .system(error, "\(port.transport.rawValue) port \(port.number)", "can't be taken on \(port.literal)")
        }
    }

    private static func bound(
        _ port: HostPort, maybeNotYet: Bool = false, sharing: Bool = false
    ) throws(Errno) -> OwnedDescriptor {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        let kind = port.transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        hints.ai_socktype = CInt(kind.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(port.literal, String(port.number), &hints, &found) == 0, let found else {
            throw .invalidArgument
        }
        defer { freeaddrinfo(found) }
        let number = socket(found.pointee.ai_family, CInt(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Errno(rawValue: errno) }
        let probe = OwnedDescriptor(FileDescriptor(rawValue: number))
        // As QEMU does: a previous VM's connection in TIME_WAIT is no obstacle.
        var on: CInt = 1
        if port.transport == .tcp {
            setsockopt(probe.rawValue, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        }
        if sharing { setsockopt(probe.rawValue, SOL_SOCKET, SO_REUSEPORT, &on, socklen_t(MemoryLayout<CInt>.size)) }
        if maybeNotYet {
            setsockopt(probe.rawValue, CInt(IPPROTO_IP), IP_FREEBIND, &on, socklen_t(MemoryLayout<CInt>.size))
        }
        guard bind(probe.rawValue, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
            throw Errno(rawValue: errno)
        }
        return probe
    }
}

extension HostPort {
    /// The address for getaddrinfo(3).
    fileprivate var literal: String { address.isEmpty ? "0.0.0.0" : address }
}
