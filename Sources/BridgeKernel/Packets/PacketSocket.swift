import BridgeNet
import CLinux
import SystemPackage

/// A socket on an interface that sees ARP, DHCP and neighbour discovery in both directions, and can send (packet(7)).
public struct PacketSocket: ~Copyable {
    /// A frame and its direction.
    public struct Passing {
        /// The bytes, from the Ethernet header on, without the tag of its VLAN.
        public var frame: [UInt8]
        /// Whether the host sent it through the interface, rather than received it there.
        public var isOutgoing: Bool
        /// The VLAN that it was tagged with; nil: none.
        public var vlan: UInt16?
    }

    private let owned: OwnedDescriptor
    private let name: String

    /// Readable when a frame has arrived. This value closes it.
    public var descriptor: CInt { owned.rawValue }

    /// Listens on a link of the calling thread's network namespace.
    ///
    /// - Throws: `denied` without CAP_NET_RAW, `notFound` if the link is gone.
    public init(on link: Link) throws(NetworkError) {
        name = link.name
        do {
            owned = try OwnedDescriptor(returned: clinux_packet_open(link.index))
        } catch { throw Self.failure(error, link.name, doing: "listening on it") }
    }

    /// The next frame; nil if there is none yet.
    ///
    /// - Throws: `notFound` once the link is down or gone.
    public func next() throws(NetworkError) -> Passing? {
        var isOutgoing = false
        var length = 0
        var vlan: UInt16 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 2048) { buffer, count in
            length = clinux_packet_receive(owned.rawValue, buffer.baseAddress, buffer.count, &isOutgoing, &vlan)
            count = max(0, length)
        }
        if length >= 0 { return Passing(frame: bytes, isOutgoing: isOutgoing, vlan: vlan == 0 ? nil : vlan) }
        let errno = Errno(rawValue: CInt(-length))
        guard errno == .resourceTemporarilyUnavailable || errno == .interrupted else {
            throw Self.failure(errno, name, doing: "listening on it")
        }
        return nil
    }

    /// Sends a frame; returns false if the link's queue is full.
    public func send(_ frame: [UInt8]) throws(NetworkError) -> Bool {
        let result = clinux_packet_send(owned.rawValue, frame, frame.count)
        guard result < 0 else { return true }
        let errno = Errno(rawValue: -result)
        guard errno == .noBufferSpace || errno == .resourceTemporarilyUnavailable else {
            throw Self.failure(errno, name, doing: "sending a frame")
        }
        return false
    }

    private static func failure(_ errno: Errno, _ name: String, doing: String) -> NetworkError {
        let isGone = errno == .networkDown || errno == .noSuchDevice || errno == .noSuchAddressOrDevice
        return NetworkError(
            isGone ? .notFound : NetworkError.Code(errno), subject: name, doing: doing, errno: errno,
            remedy: errno == .notPermitted || errno == .permissionDenied ? "run it as root" : nil)
    }
}
