/// An entry of the kernel's neighbour table (arp(7); RFC 4861, section 5.1): the Ethernet address last seen for an IP
/// address on a link.
public struct NeighbourEntry: Equatable, Sendable {
    /// The IP address.
    public var address: IPAddress
    /// The Ethernet address; nil if nobody has answered.
    public var mac: MACAddress?
    /// The index of the link that it is on.
    public var link: UInt32
    /// How sure the kernel is.
    public var state: State

    /// The states of RFC 4861, section 7.3.2, and the kernel's additions, with the numbers of linux/neighbour.h.
    public enum State: UInt16, Sendable, CaseIterable {
        /// Asked for, no answer yet.
        case incomplete = 0x01
        /// Confirmed a moment ago.
        case reachable = 0x02
        /// Known from before, and not confirmed since.
        case stale = 0x04
        /// In use again, about to be confirmed.
        case delay = 0x08
        /// Being confirmed.
        case probe = 0x10
        /// Nobody answers.
        case failed = 0x20
        /// Needs no resolution, as on the loopback or for a multicast group.
        case noARP = 0x40
        /// A static entry.
        case permanent = 0x80
    }

    /// An entry with these properties.
    public init(address: IPAddress, mac: MACAddress?, link: UInt32, state: State) {
        self.address = address
        self.mac = mac
        self.link = link
        self.state = state
    }
}
