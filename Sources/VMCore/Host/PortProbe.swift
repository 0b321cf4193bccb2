import Glibc
import SystemPackage

/// Whether a port is in use. Only a preview, for a clear message: QEMU's own bind(2) is what decides.
enum PortProbe {
    static func isTaken(_ transport: PortForward.Transport, _ address: String, _ port: UInt16) -> Bool {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        let kind = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        hints.ai_socktype = CInt(kind.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.isEmpty ? "0.0.0.0" : address, String(port), &hints, &found) == 0, let found else {
            return false
        }
        defer { freeaddrinfo(found) }
        let number = socket(found.pointee.ai_family, CInt(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard let probe = try? OwnedDescriptor(returned: number) else { return false }
        // As QEMU does: a connection of the last VM that lingers in TIME_WAIT is no obstacle.
        var on: CInt = 1
        if transport == .tcp {
            setsockopt(probe.rawValue, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        }
        return bind(probe.rawValue, found.pointee.ai_addr, found.pointee.ai_addrlen) != 0 && errno == EADDRINUSE
    }
}
