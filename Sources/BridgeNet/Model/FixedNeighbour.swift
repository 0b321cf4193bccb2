/// What somebody wrote down of a neighbour, and the kernel neither finds out nor forgets: the Ethernet address that an IP
/// address has (`ip neigh add ADDRESS lladdr MAC dev DEV`), or an address that this host answers for (`ip neigh add proxy
/// ADDRESS dev DEV`). It can be written down again, for the same link or another.
public struct FixedNeighbour: Equatable, Sendable {
    /// The index of the link that it is on.
    public var link: UInt32
    /// The IP address.
    public var address: IPAddress
    /// NUD_…, as it is to be asked for.
    var state: UInt16
    /// NTF_…: a router, a proxy, what a routing daemon has learned.
    var flags: UInt8
    /// What else there is to it: the Ethernet address, who wrote it, further flags.
    var attributes: [Attribute]

    /// Whether this host answers for the address, by ARP or neighbour discovery.
    public var isProxy: Bool { flags & NeighbourWire.proxy != 0 }

    /// The Ethernet address; nil for a proxy, and for one that the kernel is only told to keep resolved.
    public var mac: MACAddress? { attributes.bytes(NeighbourWire.linkAddress).flatMap { MACAddress(octets: $0) } }

    /// The same on another link.
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
