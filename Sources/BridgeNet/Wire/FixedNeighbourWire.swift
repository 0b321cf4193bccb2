extension EntryRequest {
    /// The addresses for which the host is a proxy, of both families.
    package static var dumpProxies: EntryRequest {
        let header = [UInt8](repeating: 0, count: 10) + [NeighbourWire.proxy, 0]
        return EntryRequest(type: NeighbourWire.getNeighbour, flags: [.request, .dump], header: header)
    }

    /// Adds a static neighbour, replacing any entry for the same address.
    static func add(_ neighbour: FixedNeighbour) -> EntryRequest {
        EntryRequest(
            type: NeighbourWire.newNeighbour, flags: [.request, .acknowledge, .create, .replace],
            header: neighbour.header(state: neighbour.state), attributes: [neighbour.destination] + neighbour.attributes
        )
    }

    /// Removes a static neighbour.
    static func remove(_ neighbour: FixedNeighbour) -> EntryRequest {
        EntryRequest(
            type: NeighbourWire.deleteNeighbour, flags: [.request, .acknowledge], header: neighbour.header(state: 0),
            attributes: [neighbour.destination])
    }
}

extension FixedNeighbour {
    fileprivate func header(state: UInt16) -> [UInt8] {
        NeighbourWire.header(address.family, link: link, state: state, flags: flags)
    }

    fileprivate var destination: Attribute { .bytes(NeighbourWire.destination, address.octets) }

    /// Decodes the payload of RTM_NEWNEIGH; nil for an entry that the kernel discovered, or that is on no particular
    /// link.
    package static func decode(_ payload: ArraySlice<UInt8>) throws(WireError) -> FixedNeighbour? {
        var reader = ByteReader(payload)
        _ = try reader.take(4, "neighbour header")  // family, padding
        let index = try reader.read(as: Int32.self, "neighbour header")
        let state = try reader.read(as: UInt16.self, "neighbour header")
        let flags = try reader.read(as: UInt8.self, "neighbour header")
        _ = try reader.take(1, "neighbour header")  // type
        let all = try Attribute.all(decoding: reader.rest)
        guard index > 0, let address = all.bytes(NeighbourWire.destination).flatMap({ IPAddress(octets: $0) }),
            let wanted = wantedState(state, flags, all)
        else { return nil }
        let kept = [NeighbourWire.linkAddress, NeighbourWire.origin, NeighbourWire.moreFlags]
        return FixedNeighbour(
            link: UInt32(index), address: address, state: wanted, flags: flags & NeighbourWire.settableFlags,
            attributes: all.filter { kept.contains($0.type & Attribute.typeMask) })
    }

    /// The state that a request has to ask for to get this entry; nil for an entry that is not static.
    private static func wantedState(_ state: UInt16, _ flags: UInt8, _ attributes: [Attribute]) -> UInt16? {
        let permanent = NeighbourEntry.State.permanent.rawValue
        // The kernel does not report whether a proxy survives a loss of carrier; ip(8) always asks for that.
        if flags & NeighbourWire.proxy != 0 { return permanent }
        let more: UInt32 = attributes.number(NeighbourWire.moreFlags) ?? 0
        // The kernel keeps it resolved by itself.
        if more & NeighbourWire.managed != 0 { return 0 }
        return flags & NeighbourWire.learned != 0 || state == permanent ? state : nil
    }
}
