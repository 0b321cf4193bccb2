/// Which devices can be a bridge's uplink. Pure.
struct UplinkCheck {
    let wanted: ConnectedBridge
    let found: NetworkState

    private var bridge: InterfaceName { wanted.bridge.name }

    /// The uplink, which fits, and its own name.
    ///
    /// - Throws: Why not: `notFound`, `busy` for one that belongs to another bridge, `unsupported` for one that can't be
    ///   bridged, `invalid` for one that makes no sense.
    func uplink(_ wish: DeviceName) throws(NetworkError) -> (link: Link, name: InterfaceName) {
        let device = found.link(called: wish)
        if (device?.name ?? wish.description) == bridge.description {
            throw refusal(.invalid, wish, "a bridge can't be its own uplink", remedy: Self.advice)
        }
        guard let link = device else {
            throw refusal(.notFound, wish, "there is no such device", remedy: "ip-link(8) lists those there are")
        }
        guard let name = InterfaceName(link.name) else {
            throw refusal(.unsupported, wish, "its name has odd characters", remedy: "rename it; ip-link(8) says how")
        }
        try checkKind(link, name)
        try checkController(link, name)
        if let mtu = wanted.bridge.mtu, mtu > link.mtu {
            throw refusal(
                .invalid, name, "the bridge is to have MTU \(mtu), and the uplink carries \(link.mtu)",
                remedy: .raiseMTU(of: name, to: mtu))
        }
        return (link, name)
    }

    private static let advice: NetworkError.Remedy = "name the device that leads outside, which the default route names"

    private func checkKind(_ link: Link, _ name: InterfaceName) throws(NetworkError) {
        if link.isTap, link.isEthernet {
            let whose = link.alias.map { "the tap of the VM \($0)" } ?? "a tap"
            throw refusal(.invalid, name, "it is \(whose), which leads into a VM and not outside", remedy: Self.advice)
        }
        if link.isBridge { throw refusal(.invalid, name, "a bridge can't be a port of a bridge", remedy: Self.advice) }
        if found.wireless.contains(link.index) {
            throw refusal(
                .unsupported, name,
                "it is Wi-Fi, which can't be bridged: an access point passes on only frames of its stations' own MACs",
                remedy: "use a wired device, or give the VMs NETn=nat")
        }
        if !link.isEthernet {
            let what = name.description == "lo" ? "it is the loopback" : "it carries no Ethernet frames"
            throw refusal(.unsupported, name, what, remedy: Self.advice)
        }
        if link.mac == nil { throw refusal(.unsupported, name, "it has no Ethernet address", remedy: Self.advice) }
    }

    private func checkController(_ link: Link, _ name: InterfaceName) throws(NetworkError) {
        // Both want all that the device receives, and the kernel lets only one have it.
        let exclusive = ["macvtap", "macvlan", "ipvtap", "ipvlan"]
        if let upper = found.links.first(where: { $0.lower == link.index && exclusive.contains($0.kind ?? "") }) {
            let whose = upper.alias.map { " (\($0))" } ?? ""
            throw refusal(
                .busy, name,
                "it carries \(upper.name)\(whose), a \(upper.kind ?? "link"), and can't do that for a bridge too",
                remedy: "stop the VM whose NIC that is, or use another device")
        }
        let present = found.link(named: bridge)
        if let controller = link.controller, controller != present?.index {
            let other = found.links.first { $0.index == controller }
            let whose = other.map { "\($0.isBridge ? "bridge " : "")\($0.name)" } ?? "link \(controller)"
            throw refusal(
                .busy, name, "it is a port of \(whose)",
                remedy: other.flatMap { $0.isBridge ? InterfaceName($0.name) : nil }
                    .map { .takeApart(bridge: $0, or: "use another device") }
                    ?? "use another device, or first take it out there")
        }
        if let present, present.isBridge, let uplink = found.uplink(of: present), uplink.index != link.index {
            throw NetworkError(
                .busy, subject: bridge.description, doing: "making \(name) its uplink",
                reason: "it has the uplink \(uplink.name), and two make a loop",
                remedy: .takeApart(bridge: bridge, or: "name another bridge"))
        }
    }

    private func refusal(
        _ code: NetworkError.Code, _ device: some CustomStringConvertible, _ reason: String, remedy: NetworkError.Remedy
    ) -> NetworkError {
        NetworkError(
            code, subject: device.description, doing: "making it the uplink of \(bridge)", reason: reason,
            remedy: remedy)
    }
}
