/// A route, as the kernel reports it (RTM_NEWROUTE, rtnetlink(7)). Whatever the kernel said of it is kept, known here or
/// not, so that it can be made again exactly as it was.
public struct Route: Equatable, Sendable {
    /// IPv4 or IPv6.
    public var family: IPAddress.Family
    /// How many bits of the destination it asks for.
    var destinationLength: UInt8
    /// How many bits of the packet's source it asks for (IPv6 only).
    var sourceLength: UInt8
    /// The type of service that it is for; 0 for any.
    public var typeOfService: UInt8
    /// Who made it (RTPROT_…): 2 the kernel, 3 somebody at boot, 4 the admin, 16 DHCP.
    public var origin: UInt8
    /// How far the destination is (RT_SCOPE_…): 0 beyond a router, 253 on the link, 254 on this host.
    public var scope: UInt8
    /// What becomes of a packet (RTN_…): 1 for sent on its way.
    public var kind: UInt8
    /// RTNH_F_…; of these only what can be asked for.
    var flags: UInt32
    /// What else there is to it.
    var attributes: [Attribute]

    /// The numbers that people meet.
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

    /// A default route of the admin's in the main table, as `ip route add default via GATEWAY` makes it.
    ///
    /// - Parameter isOnLink: Whether the router counts as reachable though no address is in its network.
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

    /// Its metric: of several routes to a destination the lowest wins.
    public var metric: UInt32 { attributes.number(RouteWire.priority) ?? 0 }

    /// The router that it goes through; of an IPv4 route perhaps an IPv6 one (RFC 8950).
    public var gateway: IPAddress? {
        // RTA_VIA has the family, in two bytes, before the address.
        address(RouteWire.gateway) ?? attributes.bytes(RouteWire.via).flatMap { IPAddress(octets: $0.dropFirst(2)) }
    }

    /// The source address of packets from this host.
    public var source: IPAddress? { address(RouteWire.preferredSource) }

    /// The links that it leads out of.
    public var links: Set<UInt32> {
        let alone: [UInt32] = attributes.number(RouteWire.output).map { [$0] } ?? []
        return Set(alone + nexthops.map(\.link))
    }

    /// Whether packets take one of several ways.
    public var hasSeveralWays: Bool { attributes.bytes(RouteWire.multipath) != nil }

    /// Whether its router counts as reachable though no address is in the router's network (RTNH_F_ONLINK).
    public var isOnLink: Bool { flags & RouteWire.onLink != 0 }

    /// Whether it stands on a nexthop object (`ip nexthop`), which has the link and the router in its place.
    public var usesNexthopObject: Bool { attributes.bytes(RouteWire.nexthopObject) != nil }

    /// Whether it is a default route of the main table.
    public var isDefault: Bool {
        destinationLength == 0 && sourceLength == 0 && table == Number.mainTable && kind == Number.unicast
    }

    /// Whether nothing but its destination, way, router, metric, table, source address and origin makes it what it is.
    public var isPlain: Bool {
        let known: [UInt16] = [
            RouteWire.destination, RouteWire.output, RouteWire.gateway, RouteWire.via, RouteWire.priority,
            RouteWire.preferredSource, RouteWire.table, RouteWire.cacheInformation, RouteWire.preference,
            RouteWire.expires,
        ]
        return sourceLength == 0 && typeOfService == 0
            && attributes.allSatisfy { known.contains($0.type & Attribute.typeMask) }
    }

    /// The same route over other links.
    public func moved(from link: UInt32, to other: UInt32) -> Route {
        var moved = self
        if attributes.number(RouteWire.output) == link { moved.attributes.set(.number(RouteWire.output, other)) }
        if attributes.bytes(RouteWire.multipath) != nil {
            let bytes = nexthops.flatMap { ($0.link == link ? $0.over(other) : $0).bytes }
            moved.attributes.set(.bytes(RouteWire.multipath, bytes))
        }
        return moved
    }

    /// The ways of a route that has several.
    var nexthops: [RouteNexthop] { attributes.bytes(RouteWire.multipath).map(RouteNexthop.all) ?? [] }

    private func address(_ type: UInt16) -> IPAddress? { attributes.bytes(type).flatMap { IPAddress(octets: $0) } }
}

extension Route: CustomStringConvertible {
    /// As ip(8) says it, without the link: `default via 10.0.0.1 table 100 metric 50 src 10.0.0.5`.
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
