/// Constants of rtnetlink's address messages, with their kernel names.
package enum AddressWire {
    // Message types, linux/rtnetlink.h.
    package static let new: UInt16 = 20  // RTM_NEWADDR
    static let delete: UInt16 = 21  // RTM_DELADDR
    static let get: UInt16 = 22  // RTM_GETADDR

    // Attributes, linux/if_addr.h.
    static let address: UInt16 = 1  // IFA_ADDRESS: the peer's, where there is one
    static let local: UInt16 = 2  // IFA_LOCAL
    static let label: UInt16 = 3  // IFA_LABEL
    static let lifetime: UInt16 = 6  // IFA_CACHEINFO
    static let flags: UInt16 = 8  // IFA_FLAGS
    static let metric: UInt16 = 9  // IFA_RT_PRIORITY

    /// In seconds.
    static let forever = UInt32.max

    /// `struct ifaddrmsg`. The flags are in an attribute, because there are only 8 bits for them here.
    static func header(family: UInt8 = 0, length: Int = 0, scope: UInt8 = 0, link: UInt32 = 0) -> [UInt8] {
        [family, UInt8(truncatingIfNeeded: length), 0, scope] + [UInt8](number: link)
    }
}

extension EntryRequest {
    /// All addresses of all links.
    package static var dumpAddresses: EntryRequest {
        EntryRequest(type: AddressWire.get, flags: [.request, .dump], header: AddressWire.header())
    }

    /// Adds an address to a link.
    static func add(_ address: InterfaceAddress) -> EntryRequest {
        EntryRequest(
            type: AddressWire.new, flags: [.request, .acknowledge, .create, .exclusive], header: address.header,
            attributes: address.identity + address.properties)
    }

    /// Changes the flags and lifetimes of an address.
    static func change(_ address: InterfaceAddress) -> EntryRequest {
        EntryRequest(
            type: AddressWire.new, flags: [.request, .acknowledge, .replace], header: address.header,
            attributes: address.identity + address.properties)
    }

    /// Removes an address.
    static func remove(_ address: InterfaceAddress) -> EntryRequest {
        EntryRequest(
            type: AddressWire.delete, flags: [.request, .acknowledge], header: address.header,
            attributes: address.identity)
    }
}

extension InterfaceAddress {
    fileprivate var header: [UInt8] {
        AddressWire.header(family: address.family.rawValue, length: prefix.length, scope: scope, link: link)
    }

    /// The attributes that identify it.
    fileprivate var identity: [Attribute] {
        var attributes = [Attribute.bytes(AddressWire.address, (peer ?? address).octets)]
        // IPv6 takes the local address as such only if there is a peer's.
        if address.isIPv4 || peer != nil { attributes.append(.bytes(AddressWire.local, address.octets)) }
        if let label { attributes.append(.name(AddressWire.label, label)) }
        return attributes
    }

    fileprivate var properties: [Attribute] {
        var times: [UInt8] = []
        times.append(number: lifetime?.preferred ?? AddressWire.forever)
        times.append(number: lifetime?.valid ?? AddressWire.forever)
        times += repeatElement(0, count: 8)  // creation and change times, which only the kernel sets
        let flags = Attribute.number(AddressWire.flags, flags.intersection(.settable).rawValue)
        return [.bytes(AddressWire.lifetime, times), flags] + others
    }

    /// The metric of the route to its network that the kernel adds; nil for the kernel's default.
    var metric: UInt32? { others.number(AddressWire.metric) }

    /// Decodes the payload of RTM_NEWADDR; nil for a family that is not IP.
    package init?(decoding payload: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(payload)
        let family = try reader.read(as: UInt8.self, "address header")
        let length = try reader.read(as: UInt8.self, "address header")
        let fewFlags = try reader.read(as: UInt8.self, "address header")
        let scope = try reader.read(as: UInt8.self, "address header")
        let link = try reader.read(as: UInt32.self, "address header")
        guard let family = IPAddress.Family(rawValue: family) else { return nil }
        let attributes = try Attribute.all(decoding: reader.rest)
        let far = attributes.bytes(AddressWire.address)
        let near = attributes.bytes(AddressWire.local) ?? far
        guard let local = near.flatMap({ IPAddress(octets: $0) }), local.family == family else {
            throw WireError(what: "address", problem: .missing)
        }
        guard let prefix = IPPrefix(local, length: Int(length)) else {
            throw WireError(what: "prefix length of \(local)", problem: .unexpected(UInt64(length)))
        }
        let flags = Flags(rawValue: attributes.number(AddressWire.flags) ?? UInt32(fewFlags))
        self.init(
            link: link, prefix: prefix, peer: far == near ? nil : far.flatMap { IPAddress(octets: $0) }, scope: scope,
            flags: flags, label: attributes.text(AddressWire.label),
            lifetime: try Lifetime(decoding: attributes),
            others: attributes.without(
                AddressWire.address, AddressWire.local, AddressWire.label, AddressWire.lifetime, AddressWire.flags))
    }
}

extension InterfaceAddress.Lifetime {
    /// Decodes IFA_CACHEINFO; nil if it never expires.
    fileprivate init?(decoding attributes: [Attribute]) throws(WireError) {
        guard let bytes = attributes.bytes(AddressWire.lifetime) else { return nil }
        var reader = ByteReader(bytes[...])
        let preferred = try reader.read(as: UInt32.self, "lifetime of an address")
        let valid = try reader.read(as: UInt32.self, "lifetime of an address")
        if valid == AddressWire.forever, preferred == AddressWire.forever { return nil }
        func seconds(_ number: UInt32) -> UInt32? { number == AddressWire.forever ? nil : number }
        self.init(valid: seconds(valid), preferred: seconds(preferred))
    }
}
