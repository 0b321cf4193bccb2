extension LinkRequest {
    /// A new macvtap link on the link with this index, down. Its guests reach one another without leaving the host
    /// (MACVLAN_MODE_BRIDGE).
    package static func createMacvtap(
        _ name: InterfaceName, on lower: UInt32, mac: MACAddress, mtu: Int?
    ) -> LinkRequest {
        var attributes: [Attribute] = [
            .name(LinkWire.name, name.description), .number(LinkWire.lower, lower),
            .bytes(LinkWire.address, mac.octets),
        ]
        if let mtu { attributes.append(.number(LinkWire.mtu, UInt32(clamping: mtu))) }
        attributes.append(
            .nested(
                LinkWire.info,
                [
                    .name(LinkWire.Info.kind, "macvtap"),
                    .nested(LinkWire.Info.data, [.number(MacvtapWire.mode, MacvtapWire.bridgeMode)]),
                ]))
        return LinkRequest(
            type: LinkWire.newLink, flags: [.request, .acknowledge, .create, .exclusive], attributes: attributes)
    }
}

/// Constants of macvtap attributes, linux/if_link.h.
enum MacvtapWire {
    static let mode: UInt16 = 1  // IFLA_MACVLAN_MODE, in IFLA_INFO_DATA
    static let bridgeMode: UInt32 = 4  // MACVLAN_MODE_BRIDGE
}
