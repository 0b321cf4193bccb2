/// An address on a link, as the kernel reports it (RTM_NEWADDR, rtnetlink(7)). It can be given to a link again, the same
/// one or another, and is then as it was.
public struct InterfaceAddress: Equatable, Sendable {
    /// The index of the link that has it.
    public var link: UInt32
    /// The address, and the length of its network.
    public var prefix: IPPrefix
    /// The other end of a point-to-point link.
    public var peer: IPAddress?
    /// How far it is valid (RT_SCOPE_…): 0 everywhere, 253 on its link, 254 on this host.
    public var scope: UInt8
    /// The kernel's marks.
    public var flags: Flags
    /// The name that IPv4 addresses have for old tools: the link's, or `eth0:1`.
    public var label: String?
    /// For how many more seconds it is valid, and preferred for new connections; nil for ever.
    public var lifetime: Lifetime?
    /// All else that the kernel says of it, as it said it: the broadcast address, the metric of its route, who made it.
    var others: [Attribute]

    /// How long an address that somebody leased or announced still lasts, in seconds.
    public struct Lifetime: Equatable, Sendable {
        /// Until it goes; nil where it never does.
        public var valid: UInt32?
        /// Until new connections avoid it; nil where they never do.
        public var preferred: UInt32?

        /// A lifetime of that many seconds.
        public init(valid: UInt32?, preferred: UInt32? = nil) { (self.valid, self.preferred) = (valid, preferred) }
    }

    /// IFA_F_…, linux/if_addr.h.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The kernel's number.
        public let rawValue: UInt32

        /// The kernel's number.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// IPv4: not the first of its network on the link. IPv6: a temporary address (RFC 8981).
        public static let secondary = Flags(rawValue: 0x01)
        /// Not asked of the link whether another station has it (RFC 4862, 5.4).
        public static let withoutDuplicateDetection = Flags(rawValue: 0x02)
        /// Another station has it, so it is not used.
        public static let duplicate = Flags(rawValue: 0x08)
        /// Still being asked whether another station has it.
        public static let tentative = Flags(rawValue: 0x40)
        /// Valid for ever.
        public static let permanent = Flags(rawValue: 0x80)
        /// The kernel makes no route to its network.
        public static let withoutPrefixRoute = Flags(rawValue: 0x200)
        /// Those that a request may ask for: NODAD, OPTIMISTIC, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE, MCAUTOJOIN.
        static let settable = Flags(rawValue: 0x02 | 0x04 | 0x10 | 0x100 | 0x200 | 0x400)
    }

    /// An address of the admin's, as `ip address add PREFIX` makes it.
    public init(_ prefix: IPPrefix, link: UInt32, label: String? = nil) {
        let isIPv4 = prefix.address.isIPv4
        self.init(
            link: link, prefix: prefix, scope: !isIPv4 && prefix.address.isLinkLocal ? 253 : 0, flags: [],
            label: isIPv4 ? label : nil, others: [])
    }

    package init(
        link: UInt32, prefix: IPPrefix, peer: IPAddress? = nil, scope: UInt8, flags: Flags, label: String?,
        lifetime: Lifetime? = nil, others: [Attribute]
    ) {
        (self.link, self.prefix, self.peer, self.scope) = (link, prefix, peer, scope)
        (self.flags, self.label, self.lifetime, self.others) = (flags, label, lifetime, others)
    }

    /// Whether it goes by itself, unless whoever leased or announced it does so again.
    public var isDynamic: Bool { lifetime?.valid != nil }

    /// The address alone.
    public var address: IPAddress { prefix.address }
}

extension InterfaceAddress: CustomStringConvertible {
    /// `10.0.0.5/24`, or `10.0.0.5 peer 10.0.0.6/32`.
    public var description: String { peer.map { "\(address) peer \($0)/\(prefix.length)" } ?? "\(prefix)" }
}
