/// Checks whether a device can be a bridge's uplink. Pure.
struct UplinkCheck {
    let wanted: ConnectedBridge
    let found: NetworkState

    private var bridge: InterfaceName { wanted.bridge.name }

    /// The uplink, if it is suitable, and its primary name.
    ///
    /// - Throws: Why not: `notFound`, `busy` if it belongs to another bridge, `unsupported` if it can't be bridged,
    ///   `invalid` if it makes no sense as an uplink.
    func uplink(_ wish: DeviceName) throws(NetworkError) -> (link: Link, name: InterfaceName) {
        let device = found.link(called: wish)
        if (device?.name ?? wish.description) == bridge.description {
            throw refusal(.invalid, wish, "a bridge can't be its own uplink", remedy: Self.advice)
        }
        guard let link = device else {
            throw refusal(.notFound, wish, "there is no such device", remedy: "ip-link(8) lists the devices")
        }
        guard let name = InterfaceName(link.name) else {
            throw refusal(.unsupported, wish, "its name has odd characters", remedy: "rename it; ip-link(8) says how")
        }
        try checkKind(link, name)
        try checkController(link, name)
        if let mtu = wanted.bridge.mtu, mtu > link.mtu {
            throw refusal(
                .invalid, name, "the bridge is to have MTU \(mtu), but the uplink carries only \(link.mtu)",
                remedy: .raiseMTU(of: name, to: mtu))
        }
        return (link, name)
    }

    private static let advice: NetworkError.Remedy = "name the device that leads outside: the one in the default route"

    private func checkKind(_ link: Link, _ name: InterfaceName) throws(NetworkError) {
        if link.isTap, link.isEthernet {
            let whose = link.alias.map { "the tap of the VM \($0)" } ?? "a tap"
            throw refusal(.invalid, name, "it is \(whose), which leads into a VM, not outside", remedy: Self.advice)
        }
        if link.isBridge { throw refusal(.invalid, name, "a bridge can't be a port of a bridge", remedy: Self.advice) }
        if found.wireless.contains(link.index) {
            throw refusal(
                .unsupported, name,
                "it is Wi-Fi, which can't be bridged: an access point accepts frames only from its stations' MACs",
                remedy: "use a wired device, or NAT for the VMs")
        }
        if !link.isEthernet {
            let what = name.description == "lo" ? "it is the loopback" : "it carries no Ethernet frames"
            throw refusal(.unsupported, name, what, remedy: Self.advice)
        }
        if link.mac == nil { throw refusal(.unsupported, name, "it has no Ethernet address", remedy: Self.advice) }
    }

    private func checkController(_ link: Link, _ name: InterfaceName) throws(NetworkError) {
        // A bridge needs all frames that the device receives, and so do these. The kernel lets only one have them.
        let exclusive = ["macvtap", "macvlan", "ipvtap", "ipvlan"]
        if let upper = found.links.first(where: { $0.lower == link.index && exclusive.contains($0.kind ?? "") }) {
            let whose = upper.alias.map { " (\($0))" } ?? ""
            throw refusal(
                .busy, name,
                "it carries \(upper.name)\(whose), a \(upper.kind ?? "link"), and can't carry a bridge too",
                remedy: "stop the VM that uses it, or use another device")
        }
        let present = found.link(named: bridge)
        if let controller = link.controller, controller != present?.index {
            let other = found.links.first { $0.index == controller }
            let whose = other.map { "\($0.isBridge ? "bridge " : "")\($0.name)" } ?? "link \(controller)"
            throw refusal(
                .busy, name, "it is a port of \(whose)",
                remedy: other.flatMap { $0.isBridge ? InterfaceName($0.name) : nil }
                    .map { .takeApart(bridge: $0, or: "use another device") }
                    ?? "use another device, or take this one out first")
        }
        if let present, present.isBridge, let uplink = found.uplink(of: present), uplink.index != link.index {
            throw NetworkError(
                .busy, subject: bridge.description, doing: "making \(name) its uplink",
                reason: "it has the uplink \(uplink.name), and two uplinks make a loop",
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
