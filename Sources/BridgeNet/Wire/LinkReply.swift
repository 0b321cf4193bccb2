extension Link {
    /// Decodes the payload of RTM_NEWLINK.
    package init(decoding payload: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(payload)
        _ = try reader.take(2, "link header")  // family, padding
        let hardware = try reader.read(as: UInt16.self, "link header")
        let index = try reader.read(as: Int32.self, "link header")
        let flags = try reader.read(as: UInt32.self, "link header")
        _ = try reader.read(as: UInt32.self, "link header")  // the change mask
        guard index > 0 else {
            throw WireError(what: "link index", problem: .unexpected(UInt64(UInt32(bitPattern: index))))
        }
        let attributes = try Attributes(decoding: reader.rest)
        guard let name = attributes.text(LinkWire.name), !name.isEmpty else {
            throw WireError(what: "link name", problem: .missing)
        }
        guard let mtu = try attributes.number(LinkWire.mtu, as: UInt32.self, "MTU") else {
            throw WireError(what: "MTU of \(name)", problem: .missing)
        }
        let info = try attributes.nested(LinkWire.info)
        let kind = info?.text(LinkWire.Info.kind)
        self.init(
            index: UInt32(index), name: name, kind: kind,
            mac: attributes.bytes(LinkWire.address).flatMap { MACAddress(octets: Array($0)) },
            mtu: Int(mtu), isUp: flags & LinkWire.up != 0,
            state: try attributes.number(LinkWire.state, "operational state").flatMap(OperationalState.init(rawValue:)),
            controller: try attributes.number(LinkWire.controller, "controller"),
            alias: attributes.text(LinkWire.alias))
        isEthernet = hardware == LinkWire.ethernet && flags & LinkWire.loopback == 0
        // An index in another namespace means nothing here.
        if attributes.bytes(LinkWire.lowerNamespace) == nil {
            lower = try attributes.number(LinkWire.lower, "lower link")
        }
        alternativeNames = try Self.alternativeNames(attributes)
        let ipv6 = try attributes.nested(LinkWire.protocols)?.nested(LinkWire.IPv6.family)
        addressGeneration = try ipv6?.number(LinkWire.IPv6.addressGeneration, "address generation")
            .flatMap(AddressGeneration.init(rawValue:))
        addressToken = ipv6?.bytes(LinkWire.IPv6.token).flatMap { IPAddress(octets: $0) }
            .flatMap { $0.isUnspecified ? nil : $0 }
        guard let data = try info?.nested(LinkWire.Info.data) else { return }
        switch kind {
        case "bridge":
            bridge = try BridgeOptions(decoding: data)
            defaultVLAN = try data.number(LinkWire.Bridge.defaultVLAN, "default VLAN")
        case Link.tapKind: tap = try TapFacts(decoding: data)
        case "vxlan": if lower == nil { lower = try data.number(LinkWire.VXLAN.lower, "lower link") }
        default: break
        }
    }

    private static func alternativeNames(_ attributes: Attributes) throws(WireError) -> [String] {
        guard let list = attributes.bytes(LinkWire.properties) else { return [] }
        return try Attribute.all(decoding: list).filter { $0.type & Attribute.typeMask == LinkWire.alternativeName }
            .compactMap { [$0].text(LinkWire.alternativeName) }
    }
}

extension Link.TapFacts {
    /// Decodes IFLA_INFO_DATA of a tap.
    fileprivate init(decoding data: Attributes) throws(WireError) {
        self.init(
            isPersistent: try data.number(LinkWire.Tap.persistent, as: UInt8.self, "persistence") == 1,
            owner: try data.number(LinkWire.Tap.owner, "owner"),
            queues: try data.number(LinkWire.Tap.queues, "queues"))
    }
}

extension BridgeOptions {
    /// Decodes IFLA_INFO_DATA of a bridge.
    fileprivate init(decoding data: Attributes) throws(WireError) {
        self.init(
            spanningTree: try data.number(LinkWire.Bridge.spanningTree, as: UInt32.self, "STP state").map { $0 != 0 },
            forwardDelay: try data.number(LinkWire.Bridge.forwardDelay, "forward delay"),
            vlanFiltering: try data.number(LinkWire.Bridge.vlanFiltering, as: UInt8.self, "VLAN filtering").map {
                $0 != 0
            })
    }
}
