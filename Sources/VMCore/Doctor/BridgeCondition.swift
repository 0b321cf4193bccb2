import BridgeNet
import SystemPackage

/// A bridge, as the doctor sees it.
struct BridgeCondition: Equatable, Sendable {
    var name: String
    var isUp: Bool
    var mtu: Int
    var mac: MACAddress?
    /// Whether it keeps that, whatever joins it; nil where that can't be seen.
    var keepsMAC: Bool? = true
    /// The host's own addresses on it.
    var addresses: [String] = []
    /// How long a port listens before it forwards, where spanning tree is on; else nil.
    var spanningTreeDelay: Duration?
    /// Whether frames without a tag need a VLAN of their port to belong to.
    var filtersVLANs = false
    var ports: [PortCondition] = []
    /// Other interfaces of the host that have an address in one of its networks.
    var rivals: [String] = []
    /// Whether packets are dropped that came another way than answers would go (`rp_filter`).
    var isStrictOnPaths = false
    /// Whether a VM, or the command line, names it; else it is one of kvmctl's own networks.
    var isNamed = true
    /// Interfaces that could be its uplink: those that lead to the rest of the network now.
    var candidates: [String] = []

    /// The ports that are no VM's.
    var uplinks: [PortCondition] { ports.filter { !$0.isTap } }
}

/// A port of a bridge.
struct PortCondition: Equatable, Sendable {
    var name: String
    /// Whether it is a tap: a VM's, or what was left of one.
    var isTap: Bool
    /// The VM's name, of a VM's tap.
    var alias: String?
    var isUp = true
    /// Whether the other end is there: a cable, or of a tap, a process.
    var hasCarrier = true
    var mtu: Int
    var mac: MACAddress?
    /// Addresses of the host's that are on it, which do nothing there.
    var addresses: [String] = []
    /// Who else configures it.
    var manager: NetworkManaging?
    /// Whether frames without a tag have a VLAN to belong to.
    var hasUntaggedVLAN = true
    /// The addresses that the bridge has heard behind it.
    var heard: [MACAddress] = []
}

/// A program of the host's that configures interfaces, and may take one out of a bridge again.
enum NetworkManaging: Equatable, Sendable {
    /// systemd-networkd, by that file, which says nothing of a bridge.
    case networkd(file: String)
    case networkManager
}

/// What decides which packets pass.
struct FilterCondition: Equatable, Sendable {
    /// What is configured; nil where it could not be seen.
    var firewall: Firewall?
    /// Whether that is all that there is.
    var isWhole = true
    /// Whether IPv4 in bridged frames goes through the filters of IPv4 (br_netfilter).
    var seesBridgedIPv4 = false
    /// The same of IPv6.
    var seesBridgedIPv6 = false
}
