/// A static neighbour entry, which the kernel neither discovers nor forgets: the Ethernet address of an IP address (`ip
/// neigh add ADDRESS lladdr MAC dev DEV`), or an address that this host answers for (`ip neigh add proxy ADDRESS dev
/// DEV`). It can be added again, to the same link or another.
public struct FixedNeighbour: Equatable, Sendable {
    /// The index of the link that it is on.
    public var link: UInt32
    /// The IP address.
    public var address: IPAddress
    /// NUD_…, as a request states it.
    var state: UInt16
    /// NTF_…: a router, a proxy, an entry that a routing daemon has learned.
    var flags: UInt8
    /// The other attributes: the Ethernet address, who added the entry, further flags.
    var attributes: [Attribute]

    /// Whether this host answers for the address, by ARP or neighbour discovery.
    public var isProxy: Bool { flags & NeighbourWire.proxy != 0 }

    /// The Ethernet address; nil for a proxy, and for an entry that only tells the kernel to keep the address resolved.
    public var mac: MACAddress? { attributes.bytes(NeighbourWire.linkAddress).flatMap { MACAddress(octets: $0) } }

    /// The same entry on another link.
    func moved(to link: UInt32) -> FixedNeighbour {
        var moved = self
        moved.link = link
        return moved
    }
}

extension FixedNeighbour: CustomStringConvertible {
    /// `neighbour 10.0.0.7 at 02:00:00:00:00:07`, `proxy of 10.0.0.8`.
    public var description: String {
        isProxy ? "proxy of \(address)" : "neighbour \(address)\(mac.map { " at \($0)" } ?? "")"
    }
}
