import BridgeNet

extension LaunchPlan {
    /// A tap to be made and joined to a bridge.
    package struct PlannedTap: Equatable, Sendable {
        /// The n of `NETn`.
        package var nic: Int
        /// Its name; nil: the first free `tapN`.
        package var name: InterfaceName?
        /// The bridge that it joins.
        package var bridge: InterfaceName
        /// Its MTU in bytes; nil: the bridge's.
        package var mtu: Int?
        /// How many queues it has.
        package var queues = 1
        /// The VLANs that it carries; nil: the bridge's default.
        package var vlans: PortVLANs?
    }

    /// A macvtap link to be made on one of the host's devices.
    package struct PlannedMacvtap: Equatable, Sendable {
        /// The n of `NETn`.
        package var nic: Int
        /// Its name; nil: the first free `macvtapN`.
        package var name: InterfaceName?
        /// The device that it sits on.
        package var device: InterfaceName
        /// Its address, which is the guest's.
        package var mac: MACAddress
        /// Its MTU in bytes; nil: the device's.
        package var mtu: Int?
        /// How many queues it has.
        package var queues = 1
    }
}

/// What holds for the frames of one NIC, whatever it is connected to.
package struct PortPolicy: Equatable, Sendable {
    /// The n of `NETn`.
    package var nic: Int
    /// The NIC's address.
    package var mac: MACAddress
    /// `_RATE`.
    package var rate: BitRate?
    /// `_FILTER`.
    package var filter: SourceFilter?
}

/// What a NIC was told beyond its network and its address: what `show` says of it.
package struct NICSettings: Equatable, Sendable {
    /// Pairs of queues.
    package var queues = 1
    /// `_VLAN`, as in vm.params.
    package var vlans: String?
    /// `_RATE`, in bits a second.
    package var rate: Int64?
    /// `_FILTER`, as in vm.params.
    package var filter: String?
    /// `_MODEL`.
    package var model = NICModel.virtio

    package init() {}

    package init(_ nic: VMParams.NIC) {
        queues = nic.queues?.value ?? 1
        vlans = nic.vlans?.value.description
        rate = nic.rate?.value.bitsPerSecond
        filter = nic.filter?.value.description
        model = nic.model.value
    }

    /// In words, those that are not the default: `VLAN 10`, `100M bits a second`.
    package var words: [String] {
        [
            model == .virtio ? nil : model.rawValue, vlans.map { "VLAN \($0)" }, queues > 1 ? "\(queues) queues" : nil,
            rate.map { "\(BitRate(bitsPerSecond: $0)) bits a second" }, filter.map { "filter \($0)" },
        ].compactMap(\.self)
    }
}
