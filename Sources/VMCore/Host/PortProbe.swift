import Glibc
import SystemPackage

/// Whether a port can be listened on. Only a preview, for a clear message: QEMU's own bind(2) is what decides.
enum PortProbe {
    /// Why it can't, as bind(2) says: the port is in use, or the host has no such address; nil: nothing is known of that.
    static func obstacle(to port: HostPort) -> Errno? {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        let kind = port.transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        hints.ai_socktype = CInt(kind.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let address = port.address.isEmpty ? "0.0.0.0" : port.address
        guard getaddrinfo(address, String(port.number), &hints, &found) == 0, let found else { return nil }
        defer { freeaddrinfo(found) }
        let number = socket(found.pointee.ai_family, CInt(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard let probe = try? OwnedDescriptor(returned: number) else { return nil }
        // As QEMU does: a connection of the last VM that lingers in TIME_WAIT is no obstacle.
        var on: CInt = 1
        if port.transport == .tcp {
            setsockopt(probe.rawValue, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        }
        guard bind(probe.rawValue, found.pointee.ai_addr, found.pointee.ai_addrlen) != 0 else { return nil }
        let error = Errno(rawValue: errno)
        return error == .addressInUse || error == .addressNotAvailable ? error : nil
    }
}
