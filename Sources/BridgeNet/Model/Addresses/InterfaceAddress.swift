/// An address on a link, as the kernel reports it (RTM_NEWADDR, rtnetlink(7)). It can be added again unchanged, to the
/// same link or another.
public struct InterfaceAddress: Equatable, Sendable {
    /// The index of the link that has it.
    public var link: UInt32
    /// The address, and the length of its network.
    public var prefix: IPPrefix
    /// The other end of a point-to-point link.
    public var peer: IPAddress?
    /// How far it is valid (RT_SCOPE_…): 0 everywhere, 253 on its link, 254 on this host.
    public var scope: UInt8
    /// The kernel's flags.
    public var flags: Flags
    /// The label that old tools show for an IPv4 address: the link's name, or `eth0:1`.
    public var label: String?
    /// How long it still lasts; nil for ever.
    public var lifetime: Lifetime?
    /// All other attributes, as the kernel sent them: the broadcast address, the metric of its route, who added it.
    var others: [Attribute]

    /// How long a leased or announced address still lasts, in seconds.
    public struct Lifetime: Equatable, Sendable {
        /// Until it expires; nil for never.
        public var valid: UInt32?
        /// Until new connections avoid it; nil for never.
        public var preferred: UInt32?

        /// A lifetime in seconds.
        public init(valid: UInt32?, preferred: UInt32? = nil) { (self.valid, self.preferred) = (valid, preferred) }
    }

    /// IFA_F_…, linux/if_addr.h.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The kernel's number.
        public let rawValue: UInt32

        /// The kernel's number.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// IPv4: not the first address of its network on the link. IPv6: a temporary address (RFC 8981).
        public static let secondary = Flags(rawValue: 0x01)
        /// Added without duplicate address detection (RFC 4862, 5.4).
        public static let withoutDuplicateDetection = Flags(rawValue: 0x02)
        /// Another station has it, so it is not used.
        public static let duplicate = Flags(rawValue: 0x08)
        /// Duplicate address detection is still running.
        public static let tentative = Flags(rawValue: 0x40)
        /// Valid for ever.
        public static let permanent = Flags(rawValue: 0x80)
        /// The kernel adds no route to its network.
        public static let withoutPrefixRoute = Flags(rawValue: 0x200)
        /// The flags that a request may set: NODAD, OPTIMISTIC, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE, MCAUTOJOIN.
        static let settable = Flags(rawValue: 0x02 | 0x04 | 0x10 | 0x100 | 0x200 | 0x400)
    }

    /// An address as `ip address add PREFIX` adds it.
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

    /// Whether it expires unless the lease or announcement is renewed.
    public var isDynamic: Bool { lifetime?.valid != nil }

    /// The address alone.
    public var address: IPAddress { prefix.address }
}

extension InterfaceAddress: CustomStringConvertible {
    /// `10.0.0.5/24`, or `10.0.0.5 peer 10.0.0.6/32`.
    public var description: String { peer.map { "\(address) peer \($0)/\(prefix.length)" } ?? "\(prefix)" }
}
