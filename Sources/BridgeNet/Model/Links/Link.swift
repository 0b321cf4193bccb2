/// A network interface as the kernel reports it (RTM_NEWLINK, rtnetlink(7)).
public struct Link: Equatable, Sendable {
    /// The interface's index, unique in its network namespace.
    public var index: UInt32
    /// Its name. A String, because the kernel allows names that `InterfaceName` does not.
    public var name: String
    /// The kind of virtual device: `bridge`, `tun` (taps too), `veth`…; nil for hardware and the loopback.
    public var kind: String?
    /// Its Ethernet address; nil if the link has none, or one that is not six octets long.
    public var mac: MACAddress?
    /// The largest packet it carries, in bytes, without the Ethernet header.
    public var mtu: Int
    /// Whether it is administratively up (IFF_UP).
    public var isUp: Bool
    /// Whether it can carry packets now (RFC 2863); nil if the kernel does not say.
    public var state: OperationalState?
    /// The index of the bridge, bond or VRF of which it is a port.
    public var controller: UInt32?
    /// Free text set by the admin (`ip link set … alias`); on a VM's tap, the VM's name.
    public var alias: String?
    /// Whether it carries Ethernet frames, and is not the loopback: only such a link can be a bridge's port.
    public var isEthernet = true
    /// The index of the link below a VLAN or a macvtap, or of a veth's peer; nil also if that link is in another
    /// namespace.
    public var lower: UInt32?
    /// Its alternative names (ip-link(8), altname).
    public var alternativeNames: [String] = []
    /// Its properties as a tap; nil if it is not one, or the kernel does not say.
    public var tap: TapFacts?
    /// How the kernel generates its IPv6 link-local address; nil on a kernel without IPv6.
    public var addressGeneration: AddressGeneration?
    /// The host part of the IPv6 addresses that it forms from router advertisements (ip-token(8)); nil if none was set.
    public var addressToken: IPAddress?
    /// For a bridge, whether it keeps its MAC address when ports come and go; if not, it has the lowest of its ports'.
    /// Nil if that was not read, or can't be seen.
    public var keepsMAC: Bool?
    /// Its options as a bridge; nil if it is not one.
    public var bridge: BridgeOptions?
    /// For a VLAN-aware bridge, the VLAN of which a new port is an access port; 0 for none.
    public var defaultVLAN: UInt16?

    /// RFC 2863's states, with the numbers of Documentation/networking/operstates.rst.
    public enum OperationalState: UInt8, Sendable, CaseIterable {
        /// The driver does not say; usually works (the loopback, a tap).
        case unknown = 0
        /// The device is not there.
        case notPresent
        /// Down, or no carrier.
        case down
        /// The link below it is down.
        case lowerLayerDown
        /// In test.
        case testing
        /// Waiting for an external event, such as 802.1X.
        case dormant
        /// Carries packets.
        case up
    }

    /// The properties of a tap.
    public struct TapFacts: Equatable, Sendable {
        /// Whether it stays when no process has it open.
        public var isPersistent: Bool
        /// The uid that may attach to it by name, besides processes with CAP_NET_ADMIN; nil for any.
        public var owner: UInt32?
        /// How many queues are open; nil for a tap that can have only one.
        public var queues: UInt32?
    }

    /// IN6_ADDR_GEN_MODE_…, linux/if_link.h.
    public enum AddressGeneration: UInt8, Sendable {
        /// From the MAC address (RFC 4291, appendix A).
        case fromMAC = 0
        /// Not at all.
        case off
        /// From a secret (RFC 7217).
        case stable
        /// At random.
        case random
    }

    /// A link with these properties; what is left out is absent.
    public init(
        index: UInt32, name: String, kind: String? = nil, mac: MACAddress? = nil, mtu: Int = 1500, isUp: Bool = false,
        state: OperationalState? = nil, controller: UInt32? = nil, alias: String? = nil
    ) {
        self.index = index
        self.name = name
        self.kind = kind
        self.mac = mac
        self.mtu = mtu
        self.isUp = isUp
        self.state = state
        self.controller = controller
        self.alias = alias
    }

    /// Whether it is a Linux bridge.
    public var isBridge: Bool { kind == "bridge" }

    /// The kind of a tap (or a tun): the host's end of a program's network card.
    package static let tapKind = "tun"

    /// Whether it is a tap (or a tun).
    public var isTap: Bool { kind == Self.tapKind }
}
