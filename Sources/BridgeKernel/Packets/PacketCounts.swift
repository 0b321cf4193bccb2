import BridgeNet

/// How many packets and bytes a link has carried since it was created.
public struct PacketCounts: Equatable, Sendable {
    /// Received. On a VM's tap: sent by the guest.
    public var received: UInt64
    /// Sent. On a VM's tap: sent to the guest.
    public var sent: UInt64
    /// Received, in bytes.
    public var bytesReceived: UInt64
    /// Sent, in bytes.
    public var bytesSent: UInt64
}

extension RouteSocket {
    /// The counts of a link; nil if the kernel has none, or if there is no such link.
    public mutating func packetCounts(of name: InterfaceName) throws(NetworkError) -> PacketCounts? {
        let (subject, doing) = (name.description, "reading its counters")
        let answer: [NetlinkMessage]
        do {
            answer = try ask(LinkRequest.counters(name), subject: subject, doing: doing)
        } catch  where error.errno == .noSuchDevice { return nil }
        return try decode(answer, of: LinkWire.newLink, subject: subject, doing: doing) {
            (payload) throws(WireError) in try PacketCounts(decoding: payload)
        }.first
    }
}

extension PacketCounts {
    private static let linkHeaderLength = 16  // struct ifinfomsg
    private static let counters: UInt16 = 23  // IFLA_STATS64

    /// Decodes the counters in the payload of RTM_NEWLINK; nil if it has none.
    init?(decoding payload: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(payload)
        _ = try reader.take(Self.linkHeaderLength, "link header")
        guard let counters = try Attributes(decoding: reader.rest).bytes(Self.counters) else { return nil }
        // struct rtnl_link_stats64 begins with these four.
        reader = ByteReader(counters)
        self.init(
            received: try reader.read("packets received"), sent: try reader.read("packets sent"),
            bytesReceived: try reader.read("bytes received"), bytesSent: try reader.read("bytes sent"))
    }
}
