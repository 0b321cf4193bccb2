/// A route, as the kernel reports it (RTM_NEWROUTE, rtnetlink(7)). All attributes are kept, whether known here or not,
/// so that the same route can be added again.
public struct Route: Equatable, Sendable {
    /// IPv4 or IPv6.
    public var family: IPAddress.Family
    /// How many bits of the destination it matches.
    var destinationLength: UInt8
    /// How many bits of the packet's source it matches (IPv6 only).
    var sourceLength: UInt8
    /// The type of service that it matches; 0 for any.
    public var typeOfService: UInt8
    /// Who added it (RTPROT_…): 2 the kernel, 3 a boot script, 4 the admin, 16 DHCP.
    public var origin: UInt8
    /// How far the destination is (RT_SCOPE_…): 0 beyond a router, 253 on the link, 254 on this host.
    public var scope: UInt8
    /// What happens to a packet (RTN_…): 1 means that it is forwarded.
    public var kind: UInt8
    /// RTNH_F_…; only those that a request may set.
    var flags: UInt32
    /// The other attributes.
    var attributes: [Attribute]

    /// Well-known tables, types, origins and scopes.
    public enum Number {
        /// RT_TABLE_MAIN.
        public static let mainTable: UInt32 = 254
        /// RT_TABLE_LOCAL.
        public static let localTable: UInt32 = 255
        /// RTN_UNICAST.
        public static let unicast: UInt8 = 1
        /// RTPROT_KERNEL.
        public static let kernel: UInt8 = 2
        /// RTPROT_RA: a router announced it.
        public static let routerAdvertisement: UInt8 = 9
        /// RTPROT_DHCP.
        public static let dhcp: UInt8 = 16
        /// RTPROT_STATIC.
        public static let administrator: UInt8 = 4
        /// RT_SCOPE_LINK.
        public static let linkScope: UInt8 = 253
    }

    /// A default route in the main table, as `ip route add default via GATEWAY` adds it.
    ///
    /// - Parameter isOnLink: Whether the router counts as reachable even though the link has no address in its network.
    public init(defaultVia gateway: IPAddress, link: UInt32, isOnLink: Bool = false) {
        self.init(
            family: gateway.family, destinationLength: 0, sourceLength: 0, typeOfService: 0,
            origin: Number.administrator, scope: 0, kind: Number.unicast, flags: isOnLink ? RouteWire.onLink : 0,
            attributes: [
                .number(RouteWire.table, Number.mainTable), .bytes(RouteWire.gateway, gateway.octets),
                .number(RouteWire.output, link),
            ])
    }

    package init(
        family: IPAddress.Family, destinationLength: UInt8, sourceLength: UInt8, typeOfService: UInt8, origin: UInt8,
        scope: UInt8, kind: UInt8, flags: UInt32, attributes: [Attribute]
    ) {
        (self.family, self.destinationLength, self.sourceLength) = (family, destinationLength, sourceLength)
        (self.typeOfService, self.origin, self.scope, self.kind) = (typeOfService, origin, scope, kind)
        (self.flags, self.attributes) = (flags, attributes)
    }

    /// The network it leads to; of length 0 for a default route.
    public var destination: IPPrefix? {
        let zeros = IPAddress(octets: repeatElement(0, count: family.bits / 8))
        return (address(RouteWire.destination) ?? zeros).flatMap { IPPrefix($0, length: Int(destinationLength)) }
    }

    /// The table it is in.
    public var table: UInt32 { attributes.number(RouteWire.table) ?? 0 }

    /// Its metric: of several routes to the same destination, the lowest metric wins.
    public var metric: UInt32 { attributes.number(RouteWire.priority) ?? 0 }

    /// Its router; an IPv4 route may have an IPv6 one (RFC 8950).
    public var gateway: IPAddress? {
        // RTA_VIA has the family, in two bytes, before the address.
        address(RouteWire.gateway) ?? attributes.bytes(RouteWire.via).flatMap { IPAddress(octets: $0.dropFirst(2)) }
    }

    /// The source address of packets from this host.
    public var source: IPAddress? { address(RouteWire.preferredSource) }

    /// The links that packets leave by.
    public var links: Set<UInt32> {
        let alone: [UInt32] = attributes.number(RouteWire.output).map { [$0] } ?? []
        return Set(alone + nexthops.map(\.link))
    }

    /// Whether it has several nexthops.
    public var hasSeveralWays: Bool { attributes.bytes(RouteWire.multipath) != nil }

    /// Whether its router counts as reachable even though the link has no address in its network (RTNH_F_ONLINK).
    public var isOnLink: Bool { flags & RouteWire.onLink != 0 }

    /// Whether it uses a nexthop object (`ip nexthop`), which holds the link and the router.
    public var usesNexthopObject: Bool { attributes.bytes(RouteWire.nexthopObject) != nil }

    /// Whether it is a default route of the main table.
    public var isDefault: Bool {
        destinationLength == 0 && sourceLength == 0 && table == Number.mainTable && kind == Number.unicast
    }

    /// Whether destination, link, router, metric, table, source address and origin describe it completely.
    public var isPlain: Bool {
        let known: [UInt16] = [
            RouteWire.destination, RouteWire.output, RouteWire.gateway, RouteWire.via, RouteWire.priority,
            RouteWire.preferredSource, RouteWire.table, RouteWire.cacheInformation, RouteWire.preference,
            RouteWire.expires,
        ]
        return sourceLength == 0 && typeOfService == 0
            && attributes.allSatisfy { known.contains($0.type & Attribute.typeMask) }
    }

    /// The same route with one link replaced by another.
    public func moved(from link: UInt32, to other: UInt32) -> Route {
        var moved = self
        if attributes.number(RouteWire.output) == link { moved.attributes.set(.number(RouteWire.output, other)) }
        if attributes.bytes(RouteWire.multipath) != nil {
            let bytes = nexthops.flatMap { ($0.link == link ? $0.over(other) : $0).bytes }
            moved.attributes.set(.bytes(RouteWire.multipath, bytes))
        }
        return moved
    }

    /// The nexthops, if it has several.
    var nexthops: [RouteNexthop] { attributes.bytes(RouteWire.multipath).map(RouteNexthop.all) ?? [] }

    private func address(_ type: UInt16) -> IPAddress? { attributes.bytes(type).flatMap { IPAddress(octets: $0) } }
}

extension Route: CustomStringConvertible {
    /// As ip(8) prints it, without the link: `default via 10.0.0.1 table 100 metric 50 src 10.0.0.5`.
    public var description: String {
        var words = kind == Number.unicast ? [] : ["type \(kind)"]
        words.append(destination.map { $0.length == 0 ? "default" : "\($0)" } ?? "?")
        if let gateway { words.append("via \(gateway)") }
        words += nexthops.map { "nexthop via \($0.gateway?.description ?? "link \($0.link)")" }
        if table != Number.mainTable { words.append("table \(table)") }
        if metric != 0 { words.append("metric \(metric)") }
        if let source { words.append("src \(source)") }
        return words.joined(separator: " ")
    }
}
