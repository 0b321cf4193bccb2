import BridgeNet
import SystemPackage

/// A bridge, as the doctor sees it.
package struct BridgeCondition: Equatable, Sendable {
    package var name: String
    var isUp: Bool
    var mtu: Int
    var mac: MACAddress?
    /// Whether it keeps its MAC, whatever joins it; nil if that can't be seen.
    package var keepsMAC: Bool? = true
    /// The host's own addresses on it.
    package var addresses: [String] = []
    /// How long a port listens before it forwards, if spanning tree is on; else nil.
    package var spanningTreeDelay: Duration?
    /// Whether untagged frames are dropped unless their port has a VLAN for them.
    package var filtersVLANs = false
    package var ports: [PortCondition] = []
    /// Other interfaces of the host that have an address in one of its networks.
    package var rivals: [String] = []
    /// Whether packets are dropped that arrive on another interface than replies would use (`rp_filter`).
    package var isStrictOnPaths = false
    /// Whether a VM, or the command line, names it; else it belongs to one of kvmctl's own networks.
    package var isNamed = true
    /// Interfaces that could be its uplink: those that lead to the rest of the network now.
    package var candidates: [String] = []

    package init(
        name: String, isUp: Bool, mtu: Int, mac: MACAddress? = nil, keepsMAC: Bool? = true, addresses: [String] = [],
        spanningTreeDelay: Duration? = nil, filtersVLANs: Bool = false, ports: [PortCondition] = [],
        rivals: [String] = [], isStrictOnPaths: Bool = false, isNamed: Bool = true, candidates: [String] = []
    ) {
        self.name = name
        self.isUp = isUp
        self.mtu = mtu
        self.mac = mac
        self.keepsMAC = keepsMAC
        self.addresses = addresses
        self.spanningTreeDelay = spanningTreeDelay
        self.filtersVLANs = filtersVLANs
        self.ports = ports
        self.rivals = rivals
        self.isStrictOnPaths = isStrictOnPaths
        self.isNamed = isNamed
        self.candidates = candidates
    }

    /// The ports that don't belong to a VM.
    var uplinks: [PortCondition] { ports.filter { !$0.isTap } }
}

/// A port of a bridge.
package struct PortCondition: Equatable, Sendable {
    var name: String
    /// Whether it is a tap: a VM's, or an orphaned one.
    var isTap: Bool
    /// For a VM's tap, the VM's name.
    var alias: String?
    var isUp = true
    /// Whether the other end is there: a cable, or for a tap, a process.
    var hasCarrier = true
    var mtu: Int
    var mac: MACAddress?
    /// Host addresses that are on it, where they have no effect.
    var addresses: [String] = []
    /// Another program that configures it.
    var manager: NetworkManaging?
    /// Whether it has a VLAN for untagged frames.
    var hasUntaggedVLAN = true
    /// The MACs that the bridge has learnt behind it.
    var heard: [MACAddress] = []

    package init(
        name: String, isTap: Bool, alias: String? = nil, isUp: Bool = true, hasCarrier: Bool = true, mtu: Int,
        mac: MACAddress? = nil, addresses: [String] = [], manager: NetworkManaging? = nil, hasUntaggedVLAN: Bool = true,
        heard: [MACAddress] = []
    ) {
        self.name = name
        self.isTap = isTap
        self.alias = alias
        self.isUp = isUp
        self.hasCarrier = hasCarrier
        self.mtu = mtu
        self.mac = mac
        self.addresses = addresses
        self.manager = manager
        self.hasUntaggedVLAN = hasUntaggedVLAN
        self.heard = heard
    }
}

/// A program that configures the host's interfaces, and may take one out of a bridge again.
package enum NetworkManaging: Equatable, Sendable {
    /// systemd-networkd, with that file, which does not mention a bridge.
    case networkd(file: String)
    case networkManager
}

/// The packet filters.
package struct FilterCondition: Equatable, Sendable {
    /// What is configured; nil if it could not be seen.
    package var firewall: Firewall?
    /// Whether that is everything.
    package var isWhole = true
    /// Whether IPv4 in bridged frames goes through the filters of IPv4 (br_netfilter).
    package var seesBridgedIPv4 = false
    /// The same for IPv6.
    package var seesBridgedIPv6 = false

    package init(
        firewall: Firewall? = nil, isWhole: Bool = true, seesBridgedIPv4: Bool = false, seesBridgedIPv6: Bool = false
    ) {
        self.firewall = firewall
        self.isWhole = isWhole
        self.seesBridgedIPv4 = seesBridgedIPv4
        self.seesBridgedIPv6 = seesBridgedIPv6
    }
}
