import BridgeNet
import SystemPackage
import VMCore

/// Kernel settings of a device that the bridge taking its place does not have (ip-sysctl.rst).
enum UplinkSettings {
    private static let families = ["ipv4", "ipv6"]

    /// Settings that are not the admin's choice, or that are handled elsewhere: the kernel's count of multicast
    /// routers, the MTU, and the generation of link-local addresses, which moves with the addresses.
    private static let exceptions: Set = ["mc_forwarding", "mtu", "addr_gen_mode", "stable_secret"]

    /// A warning with the command that copies these settings to the bridge; nil if there are none.
    ///
    /// - Parameter exists: whether the bridge exists. If not, it will have the defaults.
    static func notice(of uplink: InterfaceName, bridge: InterfaceName, exists: Bool) throws(VMError) -> String? {
        let other = exists ? bridge.description : "default"
        var settings: [String] = []
        for family in families {
            for key in keys(family, of: uplink) {
                let own = try Sysctl(key: "net/\(family)/conf/\(uplink)/\(key)").value()
                guard let own, let usual = try Sysctl(key: "net/\(family)/conf/\(other)/\(key)").value(), own != usual
                else { continue }
                settings.append("net/\(family)/conf/\(bridge)/\(key)=\(own)")
            }
        }
        guard !settings.isEmpty else { return nil }
        let set = ShellCommand(words: ["sysctl", "-w"] + settings)
        return "\(uplink) has its own kernel settings, which \(bridge) does not get: \(command: set) sets them"
    }

    private static func keys(_ family: String, of uplink: InterfaceName) -> [String] {
        let place = FilePath("/proc/sys/net").appending(family).appending("conf").appending(uplink.description)
        return ((try? names(in: place)) ?? []).filter { !exceptions.contains($0) }.sorted()
    }
}
