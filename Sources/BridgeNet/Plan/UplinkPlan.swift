/// The operations that connect the host and its VMs to a network through a bridge, and those that give the host its
/// network back as it was. Pure.
public enum UplinkPlan {
    /// Makes the bridge as wanted. It gets its uplink's MAC, so that leases and neighbour tables stay valid.
    ///
    /// - Throws: Why the uplink or a gateway can't be used; whatever `BridgePlan.up` throws.
    public static func up(_ wanted: ConnectedBridge, found: NetworkState) throws(NetworkError) -> [NetworkOperation] {
        let name = wanted.bridge.name
        let present = found.link(named: name)
        // If no step refers to it, a new bridge gets whatever index the kernel chooses: ours may be taken by then.
        let isReferredTo = wanted.uplink != nil || !wanted.addresses.isEmpty || !wanted.gateways.isEmpty
        let place = IdentityMove.Place(
            name: name, index: present?.index ?? (isReferredTo ? found.freeIndex : 0))
        var spec = wanted.bridge
        var uplink: Link?
        var joining: [NetworkOperation] = []
        if let wish = wanted.uplink {
            let (link, uplinkName) = try UplinkCheck(wanted: wanted, found: found).uplink(wish)
            spec = try self.spec(wanted, link, present)
            joining = try join(link, IdentityMove.Place(name: uplinkName, index: link.index), to: place, found)
            uplink = link
        }
        let made = keeping(
            found.neighbours, of: present, through: try BridgePlan.up(spec, found: found.links, index: place.index))
        let addressed = try AddressPlan(wanted, place, found, moving: uplink).operations()
        return made + vlans(wanted, present) + joining + addressed + spanningTree(wanted, present)
    }

    /// When its address changes, a link loses its static neighbours (`neigh_changeaddr`, net/core/neighbour.c). So they
    /// are removed first and added again afterwards, which works for a rollback too.
    private static func keeping(
        _ neighbours: [FixedNeighbour], of bridge: Link?, through operations: [NetworkOperation]
    ) -> [NetworkOperation] {
        let changesMAC = operations.contains { operation in
            if case .change(_, _, let to) = operation { to.mac != nil } else { false }
        }
        guard let bridge, let name = InterfaceName(bridge.name), changesMAC else { return operations }
        let own = neighbours.filter { $0.link == bridge.index && !$0.isProxy }
        return own.map { .remove(.neighbour($0), on: name) } + operations + own.map { .add(.neighbour($0), on: name) }
    }

    /// Gives the uplink back what the bridge took from it, and deletes the bridge.
    ///
    /// - Throws: `busy` if anything but the uplink is still joined to it; whatever `BridgePlan.down` throws.
    public static func down(_ name: InterfaceName, found: NetworkState) throws(NetworkError) -> [NetworkOperation] {
        guard let bridge = found.link(named: name), bridge.isBridge, let uplink = found.uplink(of: bridge),
            let uplinkName = InterfaceName(uplink.name)
        else { return try BridgePlan.down(name, found: found.links) }
        let others = found.links.filter { $0.index != uplink.index }
        let gone = try BridgePlan.down(name, found: others)
        let place = IdentityMove.Place(name: name, index: bridge.index)
        let target = IdentityMove.Place(name: uplinkName, index: uplink.index)
        let move = try IdentityMove(from: place, to: target, found: found)
        let leave = NetworkOperation.change(
            uplinkName, from: LinkSettings(controller: bridge.index), to: LinkSettings(controller: 0))
        // On a rollback the uplink would be silent for twice the forward delay if spanning tree ran when it joined.
        let silence =
            bridge.bridge?.spanningTree == true
            ? [
                NetworkOperation.changeBridge(
                    name, from: BridgeOptions(spanningTree: true), to: BridgeOptions(spanningTree: false))
            ] : []
        return silence + move.before + [leave] + move.after
            + generation(uplinkName, from: uplink.addressGeneration, to: bridge.addressGeneration) + gone
    }

    /// The bridge with its uplink's MAC, and with its uplink's MTU if that is not the kernel's default.
    private static func spec(
        _ wanted: ConnectedBridge, _ uplink: Link, _ present: Link?
    ) throws(NetworkError) -> BridgeSpec {
        let mtu = wanted.bridge.mtu ?? (present == nil && uplink.mtu != BridgePlan.usualMTU ? uplink.mtu : nil)
        return try BridgeSpec(
            name: wanted.bridge.name, mac: uplink.mac ?? wanted.bridge.mac, mtu: mtu, replacesMAC: true)
    }

    /// The operations by which the uplink joins the bridge and hands over its addresses and routes.
    private static func join(
        _ uplink: Link, _ source: IdentityMove.Place, to bridge: IdentityMove.Place, _ found: NetworkState
    ) throws(NetworkError) -> [NetworkOperation] {
        let move = try IdentityMove(from: source, to: bridge, found: found)
        let isJoined = uplink.controller == bridge.index
        if isJoined, uplink.isUp, move.isEmpty { return [] }
        var settings = (from: LinkSettings(), to: LinkSettings())
        if !isJoined { (settings.from.controller, settings.to.controller) = (0, bridge.index) }
        if !uplink.isUp { (settings.from.isUp, settings.to.isUp) = (false, true) }
        let switching: [NetworkOperation] =
            settings.to.isEmpty ? [] : [.change(source.name, from: settings.from, to: settings.to)]
        // A new bridge gets its uplink's link-local address at once, not a generated one after a second or two.
        let own = found.link(named: bridge.name).map(\.addressGeneration) ?? .fromMAC
        let wanted = uplink.addressGeneration == .stable ? .fromMAC : uplink.addressGeneration
        let quiet: Link.AddressGeneration? = uplink.addressGeneration == nil ? nil : .off
        return generation(bridge.name, from: own, to: quiet) + move.before
            + generation(source.name, from: uplink.addressGeneration, to: quiet) + switching + move.after
            + generation(bridge.name, from: quiet ?? own, to: isJoined ? own : wanted)
    }

    /// Sets how the kernel generates IPv6 link-local addresses; nothing if that is already so, or there is no IPv6.
    private static func generation(
        _ name: InterfaceName, from: Link.AddressGeneration?, to: Link.AddressGeneration?
    ) -> [NetworkOperation] {
        guard let from, let to, from != to else { return [] }
        return [
            .change(name, from: LinkSettings(addressGeneration: from), to: LinkSettings(addressGeneration: to))
        ]
    }

    private static func vlans(_ wanted: ConnectedBridge, _ present: Link?) -> [NetworkOperation] {
        guard wanted.vlanAware, present?.bridge?.vlanFiltering != true else { return [] }
        return [
            .changeBridge(
                wanted.bridge.name, from: BridgeOptions(vlanFiltering: false), to: BridgeOptions(vlanFiltering: true))
        ]
    }

    /// Last of all: a port that forwards goes on forwarding when spanning tree is turned on (`br_make_forwarding`,
    /// net/bridge/br_stp.c). One that joined later would be silent for twice the forward delay.
    private static func spanningTree(_ wanted: ConnectedBridge, _ present: Link?) -> [NetworkOperation] {
        guard wanted.spanningTree, present?.bridge?.spanningTree != true else { return [] }
        let name = wanted.bridge.name
        let delay = present?.bridge?.forwardDelay ?? 0
        let on = NetworkOperation.changeBridge(
            name, from: BridgeOptions(spanningTree: false), to: BridgeOptions(spanningTree: true))
        guard delay < leastForwardDelay else { return [on] }
        // The kernel would also raise it by itself, but on a rollback refuse the old value while the protocol runs.
        let raise = NetworkOperation.changeBridge(
            name, from: BridgeOptions(forwardDelay: delay), to: BridgeOptions(forwardDelay: leastForwardDelay))
        return [raise, on]
    }

    /// BR_MIN_FORWARD_DELAY, net/bridge/br_private.h: 2 s.
    private static let leastForwardDelay: UInt32 = 200
}
