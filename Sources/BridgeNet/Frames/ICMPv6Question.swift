/// Frames that make a station reveal its IPv6 addresses, sent to it and to no other station on the network.
public enum ICMPv6Question {
    /// An echo request to all nodes (RFC 4443, section 4.1). A station that replies first resolves the sender's
    /// address, which reveals the address it replies from.
    public static func echo(from mac: MACAddress, _ address: IPAddress, to station: MACAddress) -> [UInt8] {
        let message: [UInt8] = [128, 0, 0, 0, 0, 0, 0, 1]
        return frame(from: mac, address, to: station, allNodes, hopLimit: 1, message)
    }

    /// A neighbour solicitation: asks whether the address belongs to the station.
    public static func whether(
        _ target: IPAddress, from mac: MACAddress, _ address: IPAddress, to station: MACAddress
    ) -> [UInt8] {
        let message: [UInt8] = [135, 0, 0, 0, 0, 0, 0, 0] + target.octets + [1, 1] + mac.octets
        return frame(from: mac, address, to: station, target.octets, hopLimit: 255, message)
    }

    /// ff02::1
    private static let allNodes: [UInt8] = [0xff, 0x02] + Array(repeating: 0, count: 13) + [1]

    private static func frame(
        from mac: MACAddress, _ source: IPAddress, to station: MACAddress, _ destination: [UInt8], hopLimit: UInt8,
        _ message: [UInt8]
    ) -> [UInt8] {
        let length = [UInt8(truncatingIfNeeded: message.count >> 8), UInt8(truncatingIfNeeded: message.count)]
        let addresses = source.octets + destination
        let sum = checksum(addresses + [0, 0] + length + [0, 0, 0, 58] + message)
        let summed = message[..<2] + [UInt8(sum >> 8), UInt8(sum & 0xff)] + message[4...]
        return station.octets + mac.octets + [0x86, 0xdd, 0x60, 0, 0, 0] + length + [58, hopLimit] + addresses + summed
    }

    /// The Internet checksum (RFC 1071) of an even number of octets.
    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum = stride(from: 0, to: bytes.count, by: 2).reduce(UInt32(0)) {
            $0 + (UInt32(bytes[$1]) << 8 | UInt32(bytes[$1 + 1]))
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return ~UInt16(sum)
    }
}
