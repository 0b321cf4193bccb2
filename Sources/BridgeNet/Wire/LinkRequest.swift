/// A request about links: RTM_NEWLINK and its like with a `struct ifinfomsg` and attributes (rtnetlink(7)).
struct LinkRequest: RouteRequest, Equatable {
    var type: UInt16
    var flags: NetlinkMessage.Flags
    /// The link's flags, of which only those in `changeMask` count.
    var linkFlags: UInt32 = 0
    var changeMask: UInt32 = 0
    var attributes: [Attribute]

    var isDump: Bool { type == LinkWire.getLink && flags.isSuperset(of: .dump) }

    func encoded(sequence: UInt32) -> [UInt8] {
        var payload: [UInt8] = []
        payload.append(number: LinkWire.anyFamily)
        payload.append(number: UInt8(0))
        payload.append(number: UInt16(0))  // the hardware type, which is the kernel's to say
        payload.append(number: UInt32(0))  // no index: links are addressed by name
        payload.append(number: linkFlags)
        payload.append(number: changeMask)
        for attribute in attributes { attribute.encode(into: &payload) }
        return NetlinkMessage(type: type, flags: flags, sequence: sequence, payload: payload[...]).encoded
    }
}

extension LinkRequest {
    /// The link of that name.
    static func get(_ name: InterfaceName) -> LinkRequest {
        LinkRequest(
            type: LinkWire.getLink, flags: [.request, .acknowledge],
            attributes: [
                .name(LinkWire.name, name.description), .number(LinkWire.extensionMask, LinkWire.skipStatistics),
            ])
    }

    /// All links.
    static var dump: LinkRequest {
        LinkRequest(
            type: LinkWire.getLink, flags: [.request, .dump],
            attributes: [.number(LinkWire.extensionMask, LinkWire.skipStatistics)])
    }

    /// A new bridge, up. Spanning tree is off as it is by default, and said so; the forward delay of 0 keeps a port
    /// from waiting 30 s where somebody turns it on later (`br_make_forwarding`, net/bridge/br_stp.c).
    static func createBridge(_ name: InterfaceName, mac: MACAddress) -> LinkRequest {
        LinkRequest(
            type: LinkWire.newLink, flags: [.request, .acknowledge, .create, .exclusive],
            linkFlags: LinkWire.up, changeMask: LinkWire.up,
            attributes: [
                .name(LinkWire.name, name.description),
                .bytes(LinkWire.address, mac.octets),
                .nested(
                    LinkWire.info,
                    [
                        .name(LinkWire.Info.kind, "bridge"),
                        .nested(
                            LinkWire.Info.data,
                            [
                                .number(LinkWire.Bridge.forwardDelay, UInt32(0)),
                                .number(LinkWire.Bridge.spanningTree, UInt32(0)),
                            ]),
                    ]),
            ])
    }

    static func delete(_ name: InterfaceName) -> LinkRequest {
        LinkRequest(
            type: LinkWire.deleteLink, flags: [.request, .acknowledge],
            attributes: [.name(LinkWire.name, name.description)])
    }

    /// New settings for a link. The kernel makes them in its own order whatever ours: address, MTU, alias, then the
    /// controller and the flags, at last the protocols' (`do_setlink`, net/core/rtnetlink.c). So a port has its MTU
    /// before it joins.
    static func change(_ name: InterfaceName, to settings: LinkSettings) -> LinkRequest {
        var request = LinkRequest(
            type: LinkWire.setLink, flags: [.request, .acknowledge],
            attributes: [.name(LinkWire.name, name.description)])
        if let mac = settings.mac { request.attributes.append(.bytes(LinkWire.address, mac.octets)) }
        if let mtu = settings.mtu {
            request.attributes.append(.number(LinkWire.mtu, UInt32(clamping: mtu)))
        }
        if let alias = settings.alias { request.attributes.append(.bytes(LinkWire.alias, Array(alias.utf8))) }
        if let controller = settings.controller { request.attributes.append(.number(LinkWire.controller, controller)) }
        if let hasIPv6Address = settings.hasIPv6Address {
            let mode = hasIPv6Address ? LinkWire.IPv6.generateEUI64 : LinkWire.IPv6.generateNone
            request.attributes.append(
                .nested(
                    LinkWire.protocols,
                    [.nested(LinkWire.IPv6.family, [.number(LinkWire.IPv6.addressGeneration, mode)])]))
        }
        if let isUp = settings.isUp {
            request.linkFlags = isUp ? LinkWire.up : 0
            request.changeMask = LinkWire.up
        }
        return request
    }
}
