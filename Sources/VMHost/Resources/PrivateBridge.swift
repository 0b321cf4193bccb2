import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// A bridge that kvmctl makes for the guests on one network. The host has no address on it, unless it is given one.
package struct PrivateBridge {
    let name: InterfaceName
    /// The network, as in vm.params: `isolated:lab`.
    let network: String
    var mtu = 1500
    /// Kernel settings of this bridge, which vanish with it.
    var settings: [(key: String, value: String)] = []

    /// The bridge of an isolated network. A host accepts packets for any of its addresses on any link, so a guest that
    /// guessed the bridge's MAC could reach the host, and the networks beyond it if the host forwards. rp_filter
    /// (ip-sysctl.rst) drops all such packets, because no route leads back to a bridge without an address.
    package static func isolated(_ network: NetworkName, _ name: InterfaceName) -> PrivateBridge {
        PrivateBridge(name: name, network: "isolated:\(network)", settings: [("ipv4/conf/\(name)/rp_filter", "1")])
    }

    /// Holds it for a VM, as a resource of its own. Makes it if it does not exist.
    package func hold(for vm: VMName, in paths: Paths) throws(VMError) -> OwnedDescriptor {
        let file = String(network.map { $0 == ":" ? "." : $0 })
        return try HostResource(file, in: paths).hold(for: vm) { (journal) throws(VMError) in
            try provide(&journal)
        }
    }

    /// Makes it if it does not exist, and brings it up.
    ///
    /// - Throws: `.busy` if its name belongs to something that kvmctl did not make.
    func provide(_ journal: inout ResourceJournal) throws(VMError) {
        if let found = try Bridges.routing({ (socket) throws(NetworkError) in try socket.link(named: name) }) {
            guard let mac = found.mac, journal.lists(.link(name, mac: mac)) else {
                throw VMError(
                    .busy, network, "its bridge would be \(name), but there is already an interface of that name",
                    remedy: "rename that interface, or remove it if nobody needs it; or use another network")
            }
            if !found.isUp { try change(from: LinkSettings(isUp: false), to: LinkSettings(isUp: true)) }
            return
        }
        // No other link has ever had this MAC, so it identifies the bridge from the start.
        let mac = BridgeSpec.defaultMAC(name: name, seed: (0..<16).map { _ in UInt8.random(in: 0...255) })
        try journal.note(.link(name, mac: mac))
        try Bridges.routing { (socket) throws(NetworkError) in try socket.perform(.createBridge(name, mac: mac)) }
        try change(
            from: LinkSettings(mtu: 1500, alias: "", addressGeneration: .fromMAC),
            to: LinkSettings(mtu: mtu, alias: network, addressGeneration: .off))
        // A kernel without IPv6 has no such setting, and needs none.
        let noIPv6 = Sysctl(key: "net/ipv6/conf/\(name)/disable_ipv6")
        if try noIPv6.value() != nil { try noIPv6.set("1") }
        for setting in settings { try Sysctl(key: "net/\(setting.key)").set(setting.value) }
    }
    private func change(from: LinkSettings, to: LinkSettings) throws(VMError) {
        try Bridges.routing { (socket) throws(NetworkError) in try socket.perform(.change(name, from: from, to: to)) }
    }
}
