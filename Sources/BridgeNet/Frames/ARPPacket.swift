/// An ARP packet for IPv4 on Ethernet (RFC 826).
public struct ARPPacket: Equatable, Sendable {
    /// Whose address `sender` is.
    public var senderMAC: MACAddress
    /// The sender's own address; 0.0.0.0 in a probe, which only asks whether `target` is free (RFC 5227).
    public var sender: IPAddress
    /// The address that it asks for, or answers to.
    public var target: IPAddress

    /// A packet of these properties.
    public init(senderMAC: MACAddress, sender: IPAddress, target: IPAddress) {
        self.senderMAC = senderMAC
        self.sender = sender
        self.target = target
    }

    static func decode(_ bytes: ArraySlice<UInt8>) throws(WireError) -> ARPPacket? {
        var reader = ByteReader(bytes)
        // Ethernet, IPv4, lengths 6 and 4.
        guard try reader.big(as: UInt64.self, "ARP header") >> 16 == 0x0001_0800_0604 else { return nil }
        reader = ByteReader(bytes.dropFirst(8))
        let senderMAC = try reader.mac("ARP sender")
        let sender = try reader.address(4, "ARP sender")
        _ = try reader.mac("ARP target")
        return ARPPacket(senderMAC: senderMAC, sender: sender, target: try reader.address(4, "ARP target"))
    }

    /// The frame by which a host asks one station, and nobody else on the network, whether an IPv4 address is its own.
    public static func question(
        from mac: MACAddress, _ address: IPAddress, to station: MACAddress, whether target: IPAddress
    ) -> [UInt8] {
        station.octets + mac.octets + [0x08, 0x06]  // ARP
            + [0, 1, 8, 0, 6, 4, 0, 1]  // Ethernet, IPv4, a request
            + mac.octets + address.octets + [0, 0, 0, 0, 0, 0] + target.octets
    }
}
