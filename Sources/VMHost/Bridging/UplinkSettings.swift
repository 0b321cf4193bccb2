import BridgeNet
import SystemPackage
import VMCore

/// Kernel settings that a device has of its own, and the bridge that takes its place does not (ip-sysctl.rst).
enum UplinkSettings {
    private static let families = ["ipv4", "ipv6"]

    /// What is no choice of the admin's, or goes another way: the kernel's own count of multicast routers, the MTU, and how
    /// link-local addresses are made, which moves with them.
    private static let exceptions: Set = ["mc_forwarding", "mtu", "addr_gen_mode", "stable_secret"]

    /// What the user should know, as the line that gives the bridge these settings too; nil where there are none.
    ///
    /// - Parameter exists: whether the bridge is there; else it will have the defaults.
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
        return "\(uplink) has kernel settings of its own, which \(bridge) has not: \(command: set)"
    }

    private static func keys(_ family: String, of uplink: InterfaceName) -> [String] {
        let place = FilePath("/proc/sys/net").appending(family).appending("conf").appending(uplink.description)
        return ((try? names(in: place)) ?? []).filter { !exceptions.contains($0) }.sorted()
    }
}
