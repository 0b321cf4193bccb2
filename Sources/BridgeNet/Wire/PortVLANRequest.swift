extension LinkRequest {
    /// Adds a bridge's port to VLANs.
    static func add(_ entry: PortVLANEntry) -> LinkRequest { change(entry, type: LinkWire.setLink) }

    /// Removes a bridge's port from VLANs.
    static func remove(_ entry: PortVLANEntry) -> LinkRequest { change(entry, type: LinkWire.deleteLink) }

    private static func change(_ entry: PortVLANEntry, type: UInt16) -> LinkRequest {
        LinkRequest(
            type: type, flags: [.request, .acknowledge], family: PortVLANWire.family, index: entry.port,
            attributes: [.nested(LinkWire.protocols, memberships(entry.vlans))])
    }

    /// A `struct bridge_vlan_info` (flags, identifier) for each VLAN, and two for a range.
    private static func memberships(_ vlans: PortVLANs) -> [Attribute] {
        func membership(_ vlan: UInt16, _ flags: UInt16) -> Attribute {
            .bytes(PortVLANWire.membership, [UInt8](number: flags) + [UInt8](number: vlan))
        }
        switch vlans {
        case .access(let vlan): return [membership(vlan, PortVLANWire.withoutTag | PortVLANWire.untagged)]
        case .trunk(let ranges):
            return ranges.flatMap { range in
                range.count == 1
                    ? [membership(range.lowerBound, 0)]
                    : [
                        membership(range.lowerBound, PortVLANWire.rangeBegins),
                        membership(range.upperBound, PortVLANWire.rangeEnds),
                    ]
            }
        }
    }
}

/// Constants of the requests about a bridge's ports, linux/if_bridge.h.
package enum PortVLANWire {
    static let family: UInt8 = 7  // AF_BRIDGE
    static let membership: UInt16 = 2  // IFLA_BRIDGE_VLAN_INFO, in IFLA_AF_SPEC
    static let withoutTag: UInt16 = 1 << 1  // BRIDGE_VLAN_INFO_PVID: gets untagged frames that come in
    static let untagged: UInt16 = 1 << 2  // BRIDGE_VLAN_INFO_UNTAGGED: frames leave untagged
    static let rangeBegins: UInt16 = 1 << 3  // BRIDGE_VLAN_INFO_RANGE_BEGIN
    static let rangeEnds: UInt16 = 1 << 4  // BRIDGE_VLAN_INFO_RANGE_END
}
