/// A network interface as the kernel reports it (RTM_NEWLINK, rtnetlink(7)).
public struct Link: Equatable, Sendable {
    /// The interface's number, unique in its network namespace.
    public var index: UInt32
    /// Its name. A String, because the kernel allows names that `InterfaceName` does not.
    public var name: String
    /// What kind of virtual device it is: `bridge`, `tun` (taps too), `veth`…; nil for hardware and the loopback.
    public var kind: String?
    /// Its Ethernet address; nil where the link has none, or not of six octets.
    public var mac: MACAddress?
    /// The largest packet it carries, in bytes, without the Ethernet header.
    public var mtu: Int
    /// Whether the admin wants it up (IFF_UP).
    public var isUp: Bool
    /// Whether it can carry packets now (RFC 2863); nil from a kernel that doesn't say.
    public var state: OperationalState?
    /// The index of the bridge, bond or VRF that it is a port of.
    public var controller: UInt32?
    /// Free text of the admin's (`ip link set … alias`); of a VM's tap, the VM's name.
    public var alias: String?
    /// Whether it carries Ethernet frames, and is not the loopback: only such a link can be a bridge's port.
    public var isEthernet = true
    /// The index of the link that it sits on, as a VLAN or a macvtap does, or of a veth its peer's; nil too where that one
    /// is in another namespace.
    public var lower: UInt32?
    /// What else it is called (ip-link(8), altname).
    public var alternativeNames: [String] = []
    /// What it is as a tap; nil where it is none, or the kernel doesn't say.
    public var tap: TapFacts?
    /// How the kernel makes its IPv6 link-local address; nil on a kernel without IPv6.
    public var addressGeneration: AddressGeneration?
    /// What the host's part of its IPv6 addresses is to be where routers announce a network (ip-token(8)); nil: nothing was
    /// said.
    public var addressToken: IPAddress?
    /// Of a bridge, whether it keeps its address whatever joins it; else it has the lowest of its ports'. Nil where that was
    /// not looked at, or can't be seen.
    public var keepsMAC: Bool?
    /// What it does as a bridge; nil where it is none.
    public var bridge: BridgeOptions?
    /// Of a bridge that keeps VLANs apart, the one that a new port is an access port of; 0: none.
    public var defaultVLAN: UInt16?

    /// RFC 2863's states, in the numbers of Documentation/networking/operstates.rst.
    public enum OperationalState: UInt8, Sendable, CaseIterable {
        /// A driver that doesn't tell; usually works (the loopback, a tap).
        case unknown = 0
        /// The device is not there.
        case notPresent
        /// Down, or no carrier.
        case down
        /// The link below it is down.
        case lowerLayerDown
        /// In test.
        case testing
        /// Waiting for something outside, such as 802.1X.
        case dormant
        /// Carries packets.
        case up
    }

    /// A tap's own properties.
    public struct TapFacts: Equatable, Sendable {
        /// Whether it stays when nobody has it open.
        public var isPersistent: Bool
        /// The uid that may attach to it by its name, beside those with CAP_NET_ADMIN; nil: every one.
        public var owner: UInt32?
        /// How many queues are open; nil of a tap that can have only one.
        public var queues: UInt32?
    }

    /// IN6_ADDR_GEN_MODE_…, linux/if_link.h.
    public enum AddressGeneration: UInt8, Sendable {
        /// From the MAC (RFC 4291, appendix A).
        case fromMAC = 0
        /// Not at all.
        case off
        /// From a secret (RFC 7217).
        case stable
        /// At random.
        case random
    }

    /// A link of these properties; what is left out is absent.
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
}
