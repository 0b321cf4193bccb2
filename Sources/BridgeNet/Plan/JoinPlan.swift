/// The operations that make a new tap a port of a bridge. Pure.
package struct JoinPlan {
    /// The tap.
    let tap: InterfaceName
    /// The tap as it was created.
    let fresh: Link
    /// Its owner: the VM's name.
    let alias: String
    /// Its MTU in bytes; nil for the bridge's.
    var mtu: Int?
    /// The VLANs that it carries; nil for the bridge's default.
    var vlans: PortVLANs?

    package init(tap: InterfaceName, fresh: Link, alias: String, mtu: Int? = nil, vlans: PortVLANs? = nil) {
        self.tap = tap
        self.fresh = fresh
        self.alias = alias
        self.mtu = mtu
        self.vlans = vlans
    }

    /// The MTU of a new tap (`tun_net_init`, drivers/net/tun.c).
    private static let freshMTU = 1500

    /// The operations, for the bridge as found.
    ///
    /// - Throws: `notFound` without a bridge, `exists` if it is not a bridge, `invalid` if it can't carry the MTU or
    ///   the alias is too long, `busy` if it is down (the VM would come up without a network and nobody would know why)
    ///   or not VLAN-aware (the VM would be on the wrong network).
    package func operations(
        bridge name: InterfaceName, found: Link?
    ) throws(NetworkError) -> [NetworkOperation] {
        let bridge = try usable(found, name)
        let portMTU = mtu ?? bridge.mtu
        guard (BridgeSpec.mtuRange.lowerBound...bridge.mtu).contains(portMTU) else {
            throw refusal(name, .invalid, "MTU \(portMTU) is out of range: the bridge carries up to \(bridge.mtu)")
        }
        return steps(mtu: portMTU, bridge: name, bridge) + (vlans.map { memberships($0, on: bridge) } ?? [])
    }

    private func usable(_ found: Link?, _ name: InterfaceName) throws(NetworkError) -> Link {
        guard let bridge = found else {
            throw refusal(name, .notFound, "there is no bridge \(name)", remedy: .make(bridge: name))
        }
        guard bridge.isBridge else {
            throw refusal(name, .exists, "\(name) is \(bridge.article), not a bridge", remedy: "name a bridge")
        }
        guard bridge.isUp else {
            throw refusal(name, .busy, "\(name) is down", remedy: .bringUp(bridge: name))
        }
        guard alias.utf8.count <= LinkSettings.maximumAliasLength else {
            throw refusal(name, .invalid, "an alias has at most \(LinkSettings.maximumAliasLength) bytes")
        }
        guard vlans == nil || bridge.bridge?.vlanFiltering == true else {
            throw refusal(
                name, .busy, "\(name) is not VLAN-aware", remedy: .keepVLANsApart(bridge: name))
        }
        return bridge
    }

    private func refusal(
        _ bridge: InterfaceName, _ code: NetworkError.Code, _ reason: String, remedy: NetworkError.Remedy? = nil
    ) -> NetworkError {
        NetworkError(code, subject: tap.description, doing: "joining bridge \(bridge)", reason: reason, remedy: remedy)
    }

    /// A port that joins is put into the bridge's default VLAN. It has to leave that one if it is not wanted; if it is,
    /// adding it again sets the tagging.
    private func memberships(_ wanted: PortVLANs, on bridge: Link) -> [NetworkOperation] {
        let standard = bridge.defaultVLAN ?? 0
        let add = NetworkOperation.add(.vlans(PortVLANEntry(port: fresh.index, vlans: wanted)), on: tap)
        guard standard != 0, !wanted.contains(standard) else { return [add] }
        let leave = PortVLANEntry(port: fresh.index, vlans: .access(standard))
        return [.remove(.vlans(leave), on: tap), add]
    }

    private func steps(mtu: Int, bridge name: InterfaceName, _ bridge: Link) -> [NetworkOperation] {
        // Two requests, not one. IFLA_AF_SPEC is the last thing that do_setlink handles, after the link came up and got
        // the address. And when the steps are undone in reverse, the tap leaves the bridge before its MTU changes.
        var steps: [NetworkOperation] = [
            .change(
                tap, from: LinkSettings(mac: fresh.mac, mtu: Self.freshMTU, alias: "", addressGeneration: .fromMAC),
                to: LinkSettings(mac: mac(on: bridge), mtu: mtu, alias: alias, addressGeneration: .off)),
            .change(
                tap, from: LinkSettings(controller: 0, isUp: false),
                to: LinkSettings(controller: bridge.index, isUp: true)),
        ]
        if mtu < bridge.mtu {
            // A bridge for which no MTU was set has just shrunk to this port's. Setting its MTU back also makes it keep
            // it. On a bridge that did not shrink this does nothing.
            let same = LinkSettings(mtu: bridge.mtu)
            steps.append(.change(name, from: same, to: same))
        }
        return steps
    }

    /// The address that the kernel made up for the tap, but high. A bridge for which no address was set takes the
    /// lowest of its ports', and hosts on the network lose it when that changes (`br_stp_recalculate_bridge_id`,
    /// net/bridge/br_stp_if.c).
    private func mac(on bridge: Link) -> MACAddress? {
        guard let own = fresh.mac else { return nil }
        let high = MACAddress(bits: 0xfeff_0000_0000 | own.bits & 0xffff_ffff)
        return max(high, bridge.mac ?? high)
    }
}
