/// A request about links: RTM_NEWLINK and similar, with a `struct ifinfomsg` and attributes (rtnetlink(7)).
package struct LinkRequest: RouteRequest, Equatable {
    package var type: UInt16
    package var flags: NetlinkMessage.Flags
    /// The protocol family that handles it: bridges have their own requests about their ports.
    var family: UInt8 = LinkWire.anyFamily
    /// The index of a new link. 0 lets the kernel choose, and is used where a link is addressed by its name.
    var index: UInt32 = 0
    /// The link's flags, of which only those in `changeMask` count.
    var linkFlags: UInt32 = 0
    var changeMask: UInt32 = 0
    package var attributes: [Attribute]

    package var header: [UInt8] {
        var header: [UInt8] = [family, 0]
        header.append(number: UInt16(0))  // the hardware type, which only the kernel sets
        header.append(number: index)
        header.append(number: linkFlags)
        header.append(number: changeMask)
        return header
    }
}

extension LinkRequest {
    /// The link with this name.
    package static func get(_ name: InterfaceName) -> LinkRequest {
        LinkRequest(
            type: LinkWire.getLink, flags: [.request, .acknowledge],
            attributes: [
                .name(LinkWire.name, name.description), .number(LinkWire.extensionMask, LinkWire.skipStatistics),
            ])
    }

    /// The link with this name or alternative name, of any length.
    package static func get(_ name: DeviceName) -> LinkRequest {
        if let name = InterfaceName(name.description) { return get(name) }
        return LinkRequest(
            type: LinkWire.getLink, flags: [.request, .acknowledge],
            attributes: [
                .name(LinkWire.alternativeName, name.description),
                .number(LinkWire.extensionMask, LinkWire.skipStatistics),
            ])
    }

    /// The link with this index.
    package static func get(_ index: UInt32) -> LinkRequest {
        LinkRequest(
            type: LinkWire.getLink, flags: [.request, .acknowledge], index: index,
            attributes: [.number(LinkWire.extensionMask, LinkWire.skipStatistics)])
    }

    /// The link with this name, with its counters.
    package static func counters(_ name: InterfaceName) -> LinkRequest {
        LinkRequest(
            type: LinkWire.getLink, flags: [.request, .acknowledge],
            attributes: [.name(LinkWire.name, name.description)])
    }

    /// All links.
    package static var dump: LinkRequest {
        LinkRequest(
            type: LinkWire.getLink, flags: [.request, .dump],
            attributes: [.number(LinkWire.extensionMask, LinkWire.skipStatistics)])
    }

    /// A new bridge, up. Spanning tree is explicitly off, as it is by default. The forward delay of 0 keeps a port from
    /// waiting 30 s if spanning tree is turned on later (`br_make_forwarding`, net/bridge/br_stp.c).
    static func createBridge(_ name: InterfaceName, mac: MACAddress, index: UInt32 = 0) -> LinkRequest {
        LinkRequest(
            type: LinkWire.newLink, flags: [.request, .acknowledge, .create, .exclusive], index: index,
            linkFlags: LinkWire.up, changeMask: LinkWire.up,
            attributes: [
                .name(LinkWire.name, name.description),
                .bytes(LinkWire.address, mac.octets),
                bridgeOptions(BridgeOptions(spanningTree: false, forwardDelay: 0)),
            ])
    }

    /// New options for a bridge. This has to be RTM_NEWLINK, because RTM_SETLINK ignores them; without NLM_F_CREATE it
    /// creates nothing.
    static func changeBridge(_ name: InterfaceName, to options: BridgeOptions) -> LinkRequest {
        LinkRequest(
            type: LinkWire.newLink, flags: [.request, .acknowledge],
            attributes: [.name(LinkWire.name, name.description), bridgeOptions(options)])
    }

    private static func bridgeOptions(_ options: BridgeOptions) -> Attribute {
        var data: [Attribute] = []
        if let delay = options.forwardDelay { data.append(.number(LinkWire.Bridge.forwardDelay, delay)) }
        if let isOn = options.spanningTree { data.append(.number(LinkWire.Bridge.spanningTree, UInt32(isOn ? 1 : 0))) }
        if let isOn = options.vlanFiltering { data.append(.number(LinkWire.Bridge.vlanFiltering, UInt8(isOn ? 1 : 0))) }
        return .nested(LinkWire.info, [.name(LinkWire.Info.kind, "bridge"), .nested(LinkWire.Info.data, data)])
    }

    static func delete(_ name: InterfaceName) -> LinkRequest {
        LinkRequest(
            type: LinkWire.deleteLink, flags: [.request, .acknowledge],
            attributes: [.name(LinkWire.name, name.description)])
    }

    /// The link with this index.
    package static func delete(_ index: UInt32) -> LinkRequest {
        LinkRequest(type: LinkWire.deleteLink, flags: [.request, .acknowledge], index: index, attributes: [])
    }

    /// All links of a group.
    package static func deleteGroup(_ group: UInt32) -> LinkRequest {
        LinkRequest(
            type: LinkWire.deleteLink, flags: [.request, .acknowledge], attributes: [.number(LinkWire.group, group)])
    }

    /// New settings for a link. The kernel applies them in its own order: address, MTU, alias, then the controller and
    /// the flags, and last the protocols' settings (`do_setlink`, net/core/rtnetlink.c). So a port has its MTU before
    /// it joins.
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
        if let group = settings.group { request.attributes.append(.number(LinkWire.group, group)) }
        if let generation = settings.addressGeneration {
            request.attributes.append(
                .nested(
                    LinkWire.protocols,
                    [.nested(LinkWire.IPv6.family, [.number(LinkWire.IPv6.addressGeneration, generation.rawValue)])]))
        }
        if let isUp = settings.isUp {
            request.linkFlags = isUp ? LinkWire.up : 0
            request.changeMask = LinkWire.up
        }
        return request
    }
}
