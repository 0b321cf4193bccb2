extension EntryRequest {
    /// The neighbour tables of both families: the kernel dumps one after the other.
    package static var dumpNeighbours: EntryRequest {
        // A `struct ndmsg`. Strict checking requires everything but the family to be 0.
        let anyFamily = [UInt8](repeating: 0, count: NeighbourWire.headerLength)
        return EntryRequest(type: NeighbourWire.getNeighbour, flags: [.request, .dump], header: anyFamily)
    }
}

/// Constants of rtnetlink's neighbour messages, with their kernel names.
package enum NeighbourWire {
    package static let newNeighbour: UInt16 = 28  // RTM_NEWNEIGH
    static let deleteNeighbour: UInt16 = 29  // RTM_DELNEIGH
    static let getNeighbour: UInt16 = 30  // RTM_GETNEIGH

    static let headerLength = 12  // struct ndmsg, linux/neighbour.h
    package static let destination: UInt16 = 1  // NDA_DST
    package static let linkAddress: UInt16 = 2  // NDA_LLADDR

    static let origin: UInt16 = 12  // NDA_PROTOCOL
    static let moreFlags: UInt16 = 15  // NDA_FLAGS_EXT

    package static let use: UInt8 = 1  // NTF_USE: ask for it now
    static let proxy: UInt8 = 1 << 3  // NTF_PROXY
    static let learned: UInt8 = 1 << 4  // NTF_EXT_LEARNED: by a daemon
    static let router: UInt8 = 1 << 7  // NTF_ROUTER
    static let settableFlags = proxy | learned | router
    static let managed: UInt32 = 1  // NTF_EXT_MANAGED, in NDA_FLAGS_EXT

    /// `struct ndmsg`.
    package static func header(_ family: IPAddress.Family, link: UInt32, state: UInt16, flags: UInt8) -> [UInt8] {
        [family.rawValue, 0, 0, 0] + [UInt8](number: link) + [UInt8](number: state) + [flags, 0]
    }
}

extension NeighbourEntry {
    /// Decodes the payload of RTM_NEWNEIGH; nil for another kind of entry, such as one without an IP address or without
    /// a state (NUD_NONE).
    package static func decode(_ payload: ArraySlice<UInt8>) throws(WireError) -> NeighbourEntry? {
        var reader = ByteReader(payload)
        _ = try reader.take(4, "neighbour header")  // family, padding
        let index = try reader.read(as: Int32.self, "neighbour header")
        let state = try reader.read(as: UInt16.self, "neighbour header")
        _ = try reader.take(2, "neighbour header")  // flags, type
        guard index > 0 else {
            throw WireError(what: "neighbour's link", problem: .unexpected(UInt64(UInt32(bitPattern: index))))
        }
        let attributes = try Attributes(decoding: reader.rest)
        guard let state = State(rawValue: state),
            let address = attributes.bytes(NeighbourWire.destination).flatMap(IPAddress.init(octets:))
        else { return nil }
        let mac = attributes.bytes(NeighbourWire.linkAddress).flatMap { MACAddress(octets: Array($0)) }
        return NeighbourEntry(address: address, mac: mac, link: UInt32(index), state: state)
    }
}
