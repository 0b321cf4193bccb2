/// An IPv6 neighbour discovery message (RFC 4861).
public struct NeighbourDiscovery: Equatable, Sendable {
    /// The message type.
    public enum Kind: Equatable, Sendable {
        case routerSolicitation
        case routerAdvertisement
        /// Asks who has an address. Sent from `::`, it asks whether anyone has it, before the sender takes it (RFC
        /// 4862, 5.4).
        case solicitation(target: IPAddress)
        /// Announces that the sender has an address.
        case advertisement(target: IPAddress)
        case redirect
    }

    /// The sender's address; `::` if it has none yet.
    public var source: IPAddress
    /// The message type.
    public var kind: Kind

    /// A message with these properties.
    public init(source: IPAddress, kind: Kind) {
        self.source = source
        self.kind = kind
    }

    private static let icmpv6: UInt8 = 58
    private static let hopLimit: UInt8 = 255

    /// Decodes an IPv6 packet; nil if it is not neighbour discovery.
    static func decode(ipv6 bytes: ArraySlice<UInt8>) throws(WireError) -> NeighbourDiscovery? {
        var reader = ByteReader(bytes)
        let version = try reader.big(as: UInt32.self, "IPv6 header") >> 28
        _ = try reader.take(2, "IPv6 header")
        let next = try reader.read(as: UInt8.self, "IPv6 header")
        let hops = try reader.read(as: UInt8.self, "IPv6 header")
        let source = try reader.address(16, "IPv6 source")
        _ = try reader.take(16, "IPv6 destination")
        // With a lower hop limit it came through a router, which a genuine message never does.
        guard version == 6, next == icmpv6, hops == hopLimit, !source.isMulticast else { return nil }
        return try kind(reader.rest).map { NeighbourDiscovery(source: source, kind: $0) }
    }

    private static func kind(_ bytes: ArraySlice<UInt8>) throws(WireError) -> Kind? {
        var reader = ByteReader(bytes)
        let type = try reader.read(as: UInt8.self, "ICMPv6 header")
        _ = try reader.take(7, "ICMPv6 header")
        return switch type {
        case 133: .routerSolicitation
        case 134: .routerAdvertisement
        case 135: .solicitation(target: try reader.address(16, "target"))
        case 136: .advertisement(target: try reader.address(16, "target"))
        case 137: .redirect
        default: nil
        }
    }
}
