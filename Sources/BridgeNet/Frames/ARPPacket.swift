/// An ARP packet for IPv4 on Ethernet (RFC 826).
public struct ARPPacket: Equatable, Sendable {
    /// The sender's MAC address.
    public var senderMAC: MACAddress
    /// The sender's IPv4 address; 0.0.0.0 in a probe, which only asks whether `target` is free (RFC 5227).
    public var sender: IPAddress
    /// The address asked about; in a reply, the address that the reply is for.
    public var target: IPAddress

    /// A packet with these properties.
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

    /// A frame that asks one station, and no other on the network, whether an IPv4 address belongs to it.
    public static func question(
        from mac: MACAddress, _ address: IPAddress, to station: MACAddress, whether target: IPAddress
    ) -> [UInt8] {
        station.octets + mac.octets + [0x08, 0x06]  // ARP
            + [0, 1, 8, 0, 6, 4, 0, 1]  // Ethernet, IPv4, a request
            + mac.octets + address.octets + [0, 0, 0, 0, 0, 0] + target.octets
    }
}
