/// An entry of the kernel's neighbour table (arp(7); RFC 4861, section 5.1): which Ethernet address an IP address on a
/// link was last seen to have.
public struct NeighbourEntry: Equatable, Sendable {
    /// The IP address.
    public var address: IPAddress
    /// The Ethernet address; nil where nobody has answered.
    public var mac: MACAddress?
    /// The index of the link that it is on.
    public var link: UInt32
    /// How sure the kernel is.
    public var state: State

    /// The states of RFC 4861, section 7.3.2, and the kernel's own, in the numbers of linux/neighbour.h.
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
        /// Needs no answer, as on the loopback or of a multicast group.
        case noARP = 0x40
        /// Somebody wrote it down.
        case permanent = 0x80
    }

    /// An entry of these properties.
    public init(address: IPAddress, mac: MACAddress?, link: UInt32, state: State) {
        self.address = address
        self.mac = mac
        self.link = link
        self.state = state
    }
}
