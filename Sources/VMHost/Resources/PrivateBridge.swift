import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// A bridge of kvmctl's own, for the guests on one network: the host has no address on it, unless it is given one.
package struct PrivateBridge {
    let name: InterfaceName
    /// As in vm.params: `isolated:lab`.
    let network: String
    var mtu = 1500
    /// Settings of its own, which go with it.
    var settings: [(key: String, value: String)] = []

    /// The bridge of an isolated network. A host takes packets for any of its addresses from any link, so a guest that
    /// guessed the bridge's MAC could talk to it, and past it where it forwards. To ask for a way back to the sender
    /// (rp_filter, ip-sysctl.rst) refuses all of that, as no route leads to a bridge without an address.
    package static func isolated(_ network: NetworkName, _ name: InterfaceName) -> PrivateBridge {
        PrivateBridge(name: name, network: "isolated:\(network)", settings: [("ipv4/conf/\(name)/rp_filter", "1")])
    }

    /// Holds it for a VM, alone, without anything around it; makes it, where it is not there.
    package func hold(for vm: VMName, in paths: Paths) throws(VMError) -> OwnedDescriptor {
        let file = String(network.map { $0 == ":" ? "." : $0 })
        return try HostResource(file, in: paths).hold(for: vm) { (journal) throws(VMError) in
            try provide(&journal)
        }
    }

    /// Sees to it that it is there.
    ///
    /// - Throws: `.busy` where its name belongs to something that kvmctl did not make.
    func provide(_ journal: inout ResourceJournal) throws(VMError) {
        if let found = try Bridges.routing({ (socket) throws(NetworkError) in try socket.link(named: name) }) {
            guard let mac = found.mac, journal.lists(.link(name, mac: mac)) else {
                throw VMError(
                    .busy, network, "its bridge would be \(name), and there is an interface of that name already",
                    remedy: "rename or remove that one, if nobody needs it; or use another network")
            }
            if !found.isUp { try change(from: LinkSettings(isUp: false), to: LinkSettings(isUp: true)) }
            return
        }
        // No other link has ever had it: so the bridge is known by it from its first moment.
        let mac = BridgeSpec.defaultMAC(name: name, seed: (0..<16).map { _ in UInt8.random(in: 0...255) })
        try journal.note(.link(name, mac: mac))
        try Bridges.routing { (socket) throws(NetworkError) in try socket.perform(.createBridge(name, mac: mac)) }
        try change(
            from: LinkSettings(mtu: 1500, alias: "", addressGeneration: .fromMAC),
            to: LinkSettings(mtu: mtu, alias: network, addressGeneration: .off))
        // A kernel without IPv6 lacks the first one, and needs it as little.
        let noIPv6 = Sysctl(key: "net/ipv6/conf/\(name)/disable_ipv6")
        if try noIPv6.value() != nil { try noIPv6.set("1") }
        for setting in settings { try Sysctl(key: "net/\(setting.key)").set(setting.value) }
    }
    private func change(from: LinkSettings, to: LinkSettings) throws(VMError) {
        try Bridges.routing { (socket) throws(NetworkError) in try socket.perform(.change(name, from: from, to: to)) }
    }
}
