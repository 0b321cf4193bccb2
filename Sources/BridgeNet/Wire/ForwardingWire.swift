extension EntryRequest {
    /// All that the bridges have learned: the neighbours of the bridge family (`rtnl_fdb_dump`, net/core/rtnetlink.c).
    package static var dumpForwarding: EntryRequest {
        // A `struct ndmsg`. Strict checking requires everything but the family to be 0.
        let header = [ForwardingWire.bridgeFamily] + [UInt8](repeating: 0, count: NeighbourWire.headerLength - 1)
        return EntryRequest(type: NeighbourWire.getNeighbour, flags: [.request, .dump], header: header)
    }
}

extension EntryRequest {
    /// A bridge's entry for one address (`rtnl_fdb_get`, net/core/rtnetlink.c).
    package static func forwarding(of mac: MACAddress, on bridge: UInt32) -> EntryRequest {
        let header = [ForwardingWire.bridgeFamily] + [UInt8](repeating: 0, count: NeighbourWire.headerLength - 1)
        return EntryRequest(
            type: NeighbourWire.getNeighbour, flags: [.request, .acknowledge], header: header,
            attributes: [
                .bytes(NeighbourWire.linkAddress, mac.octets), .number(ForwardingWire.controller, bridge),
            ])
    }
}

/// Constants of the messages about bridge tables, with their kernel names.
enum ForwardingWire {
    static let bridgeFamily: UInt8 = 7  // AF_BRIDGE
    static let controller: UInt16 = 9  // NDA_MASTER
    static let permanent: UInt16 = 0x80  // NUD_PERMANENT: the address of the bridge or the port itself
}

extension AddressHolder {
    /// Decodes the payload of RTM_NEWNEIGH of the bridge family.
    package static func decode(_ payload: ArraySlice<UInt8>) throws(WireError) -> AddressHolder? {
        var reader = ByteReader(payload)
        _ = try reader.take(4, "forwarding entry")  // family, padding
        let link = try reader.read(as: UInt32.self, "forwarding entry")
        let state = try reader.read(as: UInt16.self, "forwarding entry")
        return AddressHolder(link: link, isOwn: state & ForwardingWire.permanent != 0)
    }
}

extension ForwardingEntry {
    /// Decodes the payload of RTM_NEWNEIGH; nil for an entry that was not learned: an interface's own address, or a
    /// group.
    package static func decode(_ payload: ArraySlice<UInt8>) throws(WireError) -> ForwardingEntry? {
        var reader = ByteReader(payload)
        let family = try reader.read(as: UInt8.self, "forwarding entry")
        _ = try reader.take(3, "forwarding entry")  // padding
        let port = try reader.read(as: UInt32.self, "forwarding entry")
        let state = try reader.read(as: UInt16.self, "forwarding entry")
        _ = try reader.take(2, "forwarding entry")  // flags, type
        let attributes = try Attributes(decoding: reader.rest)
        guard family == ForwardingWire.bridgeFamily, state & ForwardingWire.permanent == 0,
            let mac = attributes.bytes(NeighbourWire.linkAddress).flatMap({ MACAddress(octets: Array($0)) }),
            let bridge = try attributes.number(ForwardingWire.controller, as: UInt32.self, "bridge of an entry"),
            !mac.isMulticast
        else { return nil }
        return ForwardingEntry(mac: mac, port: port, bridge: bridge)
    }
}
