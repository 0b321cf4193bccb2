/// Constants of rtnetlink's route messages, with their kernel names.
package enum RouteWire {
    // Message types, linux/rtnetlink.h.
    package static let new: UInt16 = 24  // RTM_NEWROUTE
    static let delete: UInt16 = 25  // RTM_DELROUTE
    static let get: UInt16 = 26  // RTM_GETROUTE

    // Attributes.
    static let destination: UInt16 = 1  // RTA_DST
    static let output: UInt16 = 4  // RTA_OIF
    static let gateway: UInt16 = 5  // RTA_GATEWAY
    static let priority: UInt16 = 6  // RTA_PRIORITY
    static let preferredSource: UInt16 = 7  // RTA_PREFSRC
    static let multipath: UInt16 = 9  // RTA_MULTIPATH
    static let cacheInformation: UInt16 = 12  // RTA_CACHEINFO
    static let table: UInt16 = 15  // RTA_TABLE
    static let via: UInt16 = 18  // RTA_VIA
    static let preference: UInt16 = 20  // RTA_PREF
    static let expires: UInt16 = 23  // RTA_EXPIRES, in seconds
    static let nexthopObject: UInt16 = 30  // RTA_NH_ID

    /// RTM_F_CLONED: a cache entry, not a route.
    static let cloned: UInt32 = 0x200
    static let onLink: UInt32 = 0x04  // RTNH_F_ONLINK
    /// RTNH_F_PERVASIVE too. The others report the state of the route, and the kernel refuses to set them.
    static let settableFlags: UInt32 = 0x02 | onLink

    /// The table's number in `struct rtmsg`, which has only 8 bits for it (RT_TABLE_COMPAT); RTA_TABLE is what counts.
    static func shortTable(_ table: UInt32) -> UInt8 { UInt8(exactly: table) ?? 252 }
}

extension EntryRequest {
    /// All routes of a family, in all tables.
    package static func dumpRoutes(_ family: IPAddress.Family) -> EntryRequest {
        EntryRequest(
            type: RouteWire.get, flags: [.request, .dump],
            header: [family.rawValue] + [UInt8](repeating: 0, count: 11))
    }

    /// Adds a route, after any to the same destination.
    static func add(_ route: Route) -> EntryRequest {
        EntryRequest(
            type: RouteWire.new, flags: [.request, .acknowledge, .create, .append], header: route.header,
            attributes: route.attributes)
    }

    /// Removes exactly this route.
    static func remove(_ route: Route) -> EntryRequest {
        EntryRequest(
            type: RouteWire.delete, flags: [.request, .acknowledge], header: route.header, attributes: route.attributes)
    }
}

extension Route {
    /// `struct rtmsg`.
    fileprivate var header: [UInt8] {
        [
            family.rawValue, destinationLength, sourceLength, typeOfService, RouteWire.shortTable(table), origin, scope,
            kind,
        ] + [UInt8](number: flags)
    }

    /// Decodes the payload of RTM_NEWROUTE; nil for a family that is not IP, and for a cache entry.
    package init?(decoding payload: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(payload)
        let bytes = Array(try reader.take(8, "route header"))
        let flags = try reader.read(as: UInt32.self, "route header")
        guard let family = IPAddress.Family(rawValue: bytes[0]), flags & RouteWire.cloned == 0 else { return nil }
        guard Int(bytes[1]) <= family.bits, Int(bytes[2]) <= family.bits else {
            throw WireError(what: "prefix length of a route", problem: .unexpected(UInt64(max(bytes[1], bytes[2]))))
        }
        var attributes = try Attribute.all(decoding: reader.rest)
        let expiry = try Self.expiry(attributes)
        attributes = attributes.without(RouteWire.cacheInformation) + expiry
        if attributes.bytes(RouteWire.table) == nil { attributes.append(.number(RouteWire.table, UInt32(bytes[4]))) }
        self.init(
            family: family, destinationLength: bytes[1], sourceLength: bytes[2], typeOfService: bytes[3],
            origin: bytes[5], scope: bytes[6], kind: bytes[7], flags: flags & RouteWire.settableFlags,
            attributes: attributes)
        let ways = nexthops
        if !ways.isEmpty { self.attributes.set(.bytes(RouteWire.multipath, ways.flatMap(\.settable.bytes))) }
    }

    /// How long it still lasts, as a request states it. The kernel reports that in `struct rta_cacheinfo`, in
    /// hundredths of a second.
    private static func expiry(_ attributes: [Attribute]) throws(WireError) -> [Attribute] {
        guard let bytes = attributes.bytes(RouteWire.cacheInformation) else { return [] }
        var reader = ByteReader(bytes[...])
        _ = try reader.take(8, "times of a route")
        let hundredths = try reader.read(as: Int32.self, "times of a route")
        return hundredths > 0 ? [.number(RouteWire.expires, (UInt32(hundredths) + 99) / 100)] : []
    }
}

/// One nexthop of a route that has several (`struct rtnexthop` and its attributes).
struct RouteNexthop: Equatable {
    var flags: UInt8
    var weight: UInt8
    var link: UInt32
    /// Its attributes, as bytes.
    var rest: [UInt8]

    private static let headerLength = 8

    /// The nexthops in RTA_MULTIPATH, up to the first malformed one.
    static func all(_ bytes: [UInt8]) -> [RouteNexthop] {
        var reader = ByteReader(bytes[...])
        var found: [RouteNexthop] = []
        while let way = try? RouteNexthop(&reader) { found.append(way) }
        return found
    }

    private init(_ reader: inout ByteReader) throws(WireError) {
        let length = Int(try reader.read(as: UInt16.self, "nexthop"))
        flags = try reader.read("nexthop")
        weight = try reader.read("nexthop")
        link = try reader.read("nexthop")
        rest = Array(try reader.take(length - Self.headerLength, "nexthop"))
        reader.skip(upTo: padding(after: length))
    }

    /// Its router.
    var gateway: IPAddress? {
        guard let attributes = try? Attribute.all(decoding: rest[...]) else { return nil }
        return attributes.bytes(RouteWire.gateway).flatMap { IPAddress(octets: $0) }
    }

    /// The same without the flags that a request may not set.
    var settable: RouteNexthop {
        var settable = self
        settable.flags &= UInt8(RouteWire.settableFlags)
        return settable
    }

    /// The same nexthop over another link.
    func over(_ other: UInt32) -> RouteNexthop {
        var moved = self
        moved.link = other
        return moved
    }

    var bytes: [UInt8] {
        let length = Self.headerLength + rest.count
        let header = [UInt8](number: UInt16(truncatingIfNeeded: length)) + [flags, weight] + [UInt8](number: link)
        return header + rest + repeatElement(0, count: padding(after: length))
    }
}
