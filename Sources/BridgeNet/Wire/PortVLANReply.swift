extension LinkRequest {
    /// The ports of all bridges, with their VLANs (`rtnl_bridge_getlink`, net/core/rtnetlink.c).
    package static var dumpPortVLANs: LinkRequest {
        LinkRequest(
            type: LinkWire.getLink, flags: [.request, .dump], family: PortVLANWire.family,
            attributes: [.number(LinkWire.extensionMask, PortVLANWire.withVLANs)])
    }
}

extension PortVLANWire {
    static let withVLANs: UInt32 = 1 << 1  // RTEXT_FILTER_BRVLAN

    /// Decodes the payload of RTM_NEWLINK of the bridge family: the port's index if it has a VLAN for untagged frames,
    /// else nil.
    package static func untaggedPort(decoding payload: ArraySlice<UInt8>) throws(WireError) -> UInt32? {
        var reader = ByteReader(payload)
        _ = try reader.take(4, "port header")  // family, padding, hardware type
        let index = try reader.read(as: UInt32.self, "port header")
        _ = try reader.take(8, "port header")  // flags, change mask
        guard let vlans = try Attributes(decoding: reader.rest).bytes(LinkWire.protocols) else { return nil }
        // Each is a `struct bridge_vlan_info`: flags, identifier.
        let takesUntagged = try Attribute.all(decoding: vlans).contains { attribute in
            guard attribute.type == membership, case .bytes(let vlan) = attribute.content, vlan.count == 4 else {
                return false
            }
            return vlan.withUnsafeBytes { $0.loadUnaligned(as: UInt16.self) } & withoutTag != 0
        }
        return takesUntagged ? index : nil
    }
}
