import BridgeNet

/// Kernel settings that a device has of its own, and the bridge that takes its place does not (ip-sysctl.rst).
enum UplinkSettings {
    private static let keys = [
        (
            "ipv4",
            [
                "rp_filter", "accept_redirects", "send_redirects", "arp_ignore", "arp_announce", "arp_filter",
                "proxy_arp",
            ]
        ),
        ("ipv6", ["accept_ra", "autoconf", "use_tempaddr", "accept_redirects", "disable_ipv6", "proxy_ndp"]),
    ]

    /// What the user should know, as the line that gives the bridge these settings too; nil where there are none.
    ///
    /// - Parameter exists: whether the bridge is there; else it will have the defaults.
    static func notice(of uplink: InterfaceName, bridge: InterfaceName, exists: Bool) -> String? {
        let other = exists ? bridge.description : "default"
        let settings = keys.flatMap { family, keys in
            keys.compactMap { key -> String? in
                let own = Sysctl(key: "net/\(family)/conf/\(uplink)/\(key)").value
                guard let own, own != Sysctl(key: "net/\(family)/conf/\(other)/\(key)").value else { return nil }
                return "net/\(family)/conf/\(bridge)/\(key)=\(own)"
            }
        }
        guard !settings.isEmpty else { return nil }
        let set = ShellCommand(words: ["sysctl", "-w"] + settings)
        return "\(uplink) has kernel settings of its own, which \(bridge) has not: \(command: set)"
    }
}
