/// What makes a fresh tap a port of a bridge. Pure.
enum JoinPlan {
    /// How the kernel makes a tap (`tun_net_init`, drivers/net/tun.c).
    private static let freshMTU = 1500

    /// The operations, from the bridge as found.
    ///
    /// - Throws: `notFound` without a bridge, `exists` if it is no bridge, `invalid` if it can't carry the MTU or the
    ///   alias is too long, `busy` if it is down: the VM would come up without a network and nobody would know why; or if
    ///   it does not keep VLANs apart: the VM would be on the wrong network.
    static func operations(
        tap: InterfaceName, alias: String, mtu: Int?, bridge name: InterfaceName, found: Link?,
        vlans: PortVLANEntry? = nil
    ) throws(NetworkError) -> [NetworkOperation] {
        func refusal(_ code: NetworkError.Code, _ reason: String, remedy: NetworkError.Remedy? = nil) -> NetworkError {
            NetworkError(
                code, subject: tap.description, doing: "joining bridge \(name)", reason: reason, remedy: remedy)
        }
        guard let bridge = found else {
            throw refusal(.notFound, "there is no bridge \(name)", remedy: .make(bridge: name))
        }
        guard bridge.isBridge else {
            throw refusal(.exists, "\(name) is \(bridge.article), not a bridge", remedy: "name a bridge")
        }
        guard bridge.isUp else {
            throw refusal(.busy, "\(name) is down", remedy: .bringUp(bridge: name))
        }
        guard alias.utf8.count <= LinkSettings.maximumAliasLength else {
            throw refusal(.invalid, "an alias has at most \(LinkSettings.maximumAliasLength) bytes")
        }
        let portMTU = mtu ?? bridge.mtu
        guard (BridgeSpec.mtuRange.lowerBound...bridge.mtu).contains(portMTU) else {
            throw refusal(.invalid, "MTU \(portMTU) is out of range: the bridge carries up to \(bridge.mtu)")
        }
        guard vlans == nil || bridge.bridge?.vlanFiltering == true else {
            throw refusal(
                .busy, "\(name) does not keep VLANs apart", remedy: .keepVLANsApart(bridge: name))
        }
        let steps = steps(tap: tap, alias: alias, mtu: portMTU, bridge: name, bridge)
        return steps + (vlans.map { memberships($0, of: tap, on: bridge) } ?? [])
    }

    /// A port that has joined is in the bridge's default VLAN, which is none of those wanted, or with another tag.
    private static func memberships(
        _ wanted: PortVLANEntry, of tap: InterfaceName, on bridge: Link
    ) -> [NetworkOperation] {
        let standard = bridge.defaultVLAN ?? 0
        let add = NetworkOperation.add(.vlans(wanted), on: tap)
        guard standard != 0, !wanted.vlans.contains(standard) else { return [add] }
        let leave = PortVLANEntry(port: wanted.port, vlans: .access(standard))
        return [.remove(.vlans(leave), on: tap), add]
    }

    private static func steps(
        tap: InterfaceName, alias: String, mtu: Int, bridge name: InterfaceName, _ bridge: Link
    ) -> [NetworkOperation] {
        // Two requests and not one: IFLA_AF_SPEC is the last thing that do_setlink looks at, after the link came up and
        // got the address; and taken back in reverse, the tap leaves the bridge before its MTU changes.
        var steps: [NetworkOperation] = [
            .change(
                tap, from: LinkSettings(mtu: freshMTU, alias: "", addressGeneration: .fromMAC),
                to: LinkSettings(mtu: mtu, alias: alias, addressGeneration: .off)),
            .change(
                tap, from: LinkSettings(controller: 0, isUp: false),
                to: LinkSettings(controller: bridge.index, isUp: true)),
        ]
        if mtu < bridge.mtu {
            // A bridge without an MTU of its own has just shrunk to this port's. Setting it back also makes it keep it;
            // to a bridge that did not shrink this does nothing.
            let same = LinkSettings(mtu: bridge.mtu)
            steps.append(.change(name, from: same, to: same))
        }
        return steps
    }
}
