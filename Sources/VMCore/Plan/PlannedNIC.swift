public import BridgeNet

extension LaunchPlan {
    /// A tap to be made and joined to a bridge.
    public struct PlannedTap: Equatable, Sendable {
        /// The n of `NETn`.
        public var nic: Int
        /// Its name; nil: the first free `tapN`.
        public var name: InterfaceName?
        /// The bridge that it joins.
        public var bridge: InterfaceName
        /// Its MTU in bytes; nil: the bridge's.
        public var mtu: Int?
        /// How many queues it has.
        public var queues = 1
        /// The VLANs that it carries; nil: the bridge's default.
        public var vlans: PortVLANs?
    }

    /// A macvtap link to be made on one of the host's devices.
    public struct PlannedMacvtap: Equatable, Sendable {
        /// The n of `NETn`.
        public var nic: Int
        /// Its name; nil: the first free `macvtapN`.
        public var name: InterfaceName?
        /// The device that it sits on.
        public var device: InterfaceName
        /// Its address, which is the guest's.
        public var mac: MACAddress
        /// Its MTU in bytes; nil: the device's.
        public var mtu: Int?
        /// How many queues it has.
        public var queues = 1
    }
}

/// What holds for the frames of one NIC, whatever it is connected to.
public struct PortPolicy: Equatable, Sendable {
    /// The n of `NETn`.
    public var nic: Int
    /// The NIC's address.
    public var mac: MACAddress
    /// `_RATE`.
    public var rate: BitRate?
    /// `_FILTER`.
    public var filter: SourceFilter?
}

/// What a NIC was told beyond its network and its address: what `show` says of it.
public struct NICSettings: Equatable, Sendable {
    /// Pairs of queues.
    public var queues = 1
    /// `_VLAN`, as in vm.params.
    public var vlans: String?
    /// `_RATE`, in bits a second.
    public var rate: Int64?
    /// `_FILTER`, as in vm.params.
    public var filter: String?

    init() {}

    init(_ nic: VMParams.NIC) {
        queues = nic.queues?.value ?? 1
        vlans = nic.vlans?.value.description
        rate = nic.rate?.value.bitsPerSecond
        filter = nic.filter?.value.description
    }

    /// In words, those that are not the default: `VLAN 10`, `100M bits a second`.
    public var words: [String] {
        [
            vlans.map { "VLAN \($0)" }, queues > 1 ? "\(queues) queues" : nil,
            rate.map { "\(BitRate(bitsPerSecond: $0)) bits a second" }, filter.map { "filter \($0)" },
        ].compactMap(\.self)
    }
}
