extension Link {
    /// Decodes the payload of RTM_NEWLINK.
    init(decoding payload: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(payload)
        _ = try reader.take(4, "link header")  // family, padding, hardware type
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
        self.init(
            index: UInt32(index), name: name,
            kind: try attributes.nested(LinkWire.info)?.text(LinkWire.Info.kind),
            mac: attributes.bytes(LinkWire.address).flatMap { MACAddress(octets: Array($0)) },
            mtu: Int(mtu), isUp: flags & LinkWire.up != 0,
            state: try attributes.number(LinkWire.state, "operational state").flatMap(OperationalState.init(rawValue:)),
            controller: try attributes.number(LinkWire.controller, "controller"),
            alias: attributes.text(LinkWire.alias))
    }
}
