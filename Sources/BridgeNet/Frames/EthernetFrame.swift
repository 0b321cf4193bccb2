/// What an Ethernet frame reveals about the addresses of stations. Frames come from a guest and are untrusted: whatever
/// the bytes are, decoding ends, with a value or nil.
public struct EthernetFrame: Equatable, Sendable {
    /// The sender's address, as the frame claims it.
    public var source: MACAddress
    /// The VLAN that it was tagged with, which the kernel tells apart from the frame; nil: none, or not known.
    public var vlan: UInt16?
    /// The decoded payload.
    public var content: Content

    /// The protocols that reveal addresses.
    public enum Content: Equatable, Sendable {
        /// RFC 826.
        case arp(ARPPacket)
        /// RFC 2131.
        case dhcp(DHCPMessage)
        /// RFC 4861.
        case neighbourDiscovery(NeighbourDiscovery)
    }

    package enum EtherType {
        static let ipv4: UInt16 = 0x0800
        static let arp: UInt16 = 0x0806
        static let ipv6: UInt16 = 0x86dd
    }

    /// Decodes a frame without a VLAN tag; nil if it is of another protocol or malformed.
    public init?(decoding frame: [UInt8]) {
        guard let decoded = try? Self.decode(frame) else { return nil }
        self = decoded
    }

    /// A frame with these properties.
    public init(source: MACAddress, vlan: UInt16? = nil, content: Content) {
        self.source = source
        self.vlan = vlan
        self.content = content
    }

    private static func decode(_ frame: [UInt8]) throws(WireError) -> EthernetFrame? {
        var reader = ByteReader(frame[...])
        _ = try reader.mac("destination")
        let source = try reader.mac("source")
        let content: Content? =
            switch try reader.big(as: UInt16.self, "EtherType") {
            case EtherType.arp: try ARPPacket.decode(reader.rest).map(Content.arp)
            case EtherType.ipv4: try DHCPMessage.decode(ipv4: reader.rest).map(Content.dhcp)
            case EtherType.ipv6: try NeighbourDiscovery.decode(ipv6: reader.rest).map(Content.neighbourDiscovery)
            default: nil
            }
        return content.map { EthernetFrame(source: source, content: $0) }
    }
}

/// Frames are in network byte order, unlike netlink messages.
extension ByteReader {
    mutating func big<Number: FixedWidthInteger>(
        as _: Number.Type = Number.self, _ what: String
    ) throws(WireError) -> Number {
        Number(bigEndian: try read(what))
    }

    mutating func mac(_ what: String) throws(WireError) -> MACAddress {
        guard let mac = MACAddress(octets: Array(try take(6, what))) else {
            throw WireError(what: what, problem: .missing)
        }
        return mac
    }

    mutating func address(_ length: Int, _ what: String) throws(WireError) -> IPAddress {
        guard let address = IPAddress(octets: try take(length, what)) else {
            throw WireError(what: what, problem: .missing)
        }
        return address
    }
}
