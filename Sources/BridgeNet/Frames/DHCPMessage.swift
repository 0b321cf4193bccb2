/// A DHCP message for IPv4 on Ethernet (RFC 2131, RFC 2132). Only the fields that reveal an address are decoded.
public struct DHCPMessage: Equatable, Sendable {
    /// Option 53.
    public enum Kind: UInt8, Sendable, CaseIterable {
        case discover = 1
        case offer, request, decline, acknowledgement, refusal, release, inform
    }

    /// The message type.
    public var kind: Kind
    /// The transaction number (`xid`) that the client chose and the replies repeat.
    public var transaction: UInt32
    /// The client that sent it, or that it is for.
    public var client: MACAddress
    /// The address that the client already has, or is given; nil for none.
    public var address: IPAddress?
    /// The server that it is for, or comes from; nil if the message does not say.
    public var server: IPAddress?

    /// A message with these properties.
    public init(kind: Kind, transaction: UInt32, client: MACAddress, address: IPAddress?, server: IPAddress?) {
        self.kind = kind
        self.transaction = transaction
        self.client = client
        self.address = address
        self.server = server
    }

    private enum Option {
        static let pad: UInt8 = 0
        static let kind: UInt8 = 53
        static let server: UInt8 = 54
        static let end: UInt8 = 255
    }

    private static let udp: UInt8 = 17
    private static let cookie: UInt32 = 0x6382_5363

    /// Decodes an IPv4 packet; nil if it is not DHCP.
    static func decode(ipv4 bytes: ArraySlice<UInt8>) throws(WireError) -> DHCPMessage? {
        var reader = ByteReader(bytes)
        let start = try reader.read(as: UInt8.self, "IPv4 header")
        _ = try reader.take(8, "IPv4 header")
        let isUDP = try reader.read(as: UInt8.self, "IPv4 header") == udp
        let headerLength = Int(start & 0xf) * 4
        guard start >> 4 == 4, headerLength >= 20, isUDP else { return nil }
        _ = try reader.take(headerLength - 10, "IPv4 header")
        let source = try reader.big(as: UInt16.self, "UDP header")
        let destination = try reader.big(as: UInt16.self, "UDP header")
        _ = try reader.take(4, "UDP header")
        guard [67, 68].contains(source), [67, 68].contains(destination) else { return nil }
        return try decode(reader.rest)
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) throws(WireError) -> DHCPMessage? {
        var reader = ByteReader(bytes)
        _ = try reader.take(1, "DHCP header")
        // Ethernet, with addresses of six octets.
        guard try reader.big(as: UInt16.self, "DHCP header") == 0x0106 else { return nil }
        _ = try reader.take(1, "DHCP header")
        let transaction = try reader.big(as: UInt32.self, "DHCP transaction")
        _ = try reader.take(4, "DHCP header")
        let own = try reader.address(4, "DHCP client's address")
        let given = try reader.address(4, "DHCP given address")
        _ = try reader.take(8, "DHCP header")
        let client = try reader.mac("DHCP client")
        _ = try reader.take(10 + 64 + 128, "DHCP header")
        guard try reader.big(as: UInt32.self, "DHCP cookie") == cookie else { return nil }
        let options = try options(reader.rest)
        guard let kind = options[Option.kind]?.first.flatMap(Kind.init(rawValue:)) else { return nil }
        return DHCPMessage(
            kind: kind, transaction: transaction, client: client, address: [given, own].first { !$0.isUnspecified },
            server: options[Option.server].flatMap(IPAddress.init(octets:)))
    }

    /// The options up to the end marker. If an option is repeated, the first one counts.
    private static func options(_ bytes: ArraySlice<UInt8>) throws(WireError) -> [UInt8: ArraySlice<UInt8>] {
        var options: [UInt8: ArraySlice<UInt8>] = [:]
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let code = try reader.read(as: UInt8.self, "DHCP option")
            if code == Option.end { break }
            if code == Option.pad { continue }
            let length = try reader.read(as: UInt8.self, "DHCP option")
            let content = try reader.take(Int(length), "DHCP option")
            if options[code] == nil { options[code] = content }
        }
        return options
    }
}
