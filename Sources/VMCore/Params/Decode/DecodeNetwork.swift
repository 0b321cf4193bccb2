import BridgeNet
import SystemPackage

extension ParamsDecoder {
    /// The value of `NETn`; `none` means that there is no NIC.
    package enum NetworkChoice: Equatable {
        case network(Network)
        case none
    }

    /// Whether a faulty line asks for a NIC: it may be the one that another key needs.
    func hasFaultyNIC(besides nics: [VMParams.NIC]) -> Bool {
        (0...7).contains { index in
            let isMentioned = mentions(.net, at: index) || index == 0 && mentions(.bridge)
            let isDecoded = nics.contains { $0.index == index } || assignment(.net, at: index)?.value == "none"
            return isMentioned && !isDecoded
        }
    }

    mutating func decodeNICs() -> [VMParams.NIC] {
        var nics: [VMParams.NIC] = []
        // NET0 exists even if no line sets it.
        let written = indices(of: [.net] + Self.nicKeys)
        for index in written.first == 0 ? written : [0] + written {
            // All settings are decoded before the network is looked at, so that all their faults are reported.
            let mac = decodeMAC(index)
            let tap = setting(.netTap, at: index, Self.tap)
            let mtu = setting(.netMTU, at: index, Self.mtu)
            let vlans = setting(.netVLAN, at: index, Self.vlans)
            let queues = setting(.netQueues, at: index, Self.queues)
            let rate = setting(.netRate, at: index, BitRate.init(parsing:))
            let filter = setting(.netFilter, at: index, Self.filter)
            let model = setting(.netModel, at: index, default: NICModel.virtio, ParamValue.word)
            guard let choice = decodeNetwork(index) else { continue }
            refuseWithout(choice, index)
            guard case .network(let network) = choice.value else { continue }
            refuseUnknownAddresses(filter?.value, network, index)
            let nic = VMParams.NIC(
                index: index, network: Setting(network, choice.origin), mac: mac, tap: tap, mtu: mtu, vlans: vlans,
                queues: queues, rate: rate, filter: filter, model: model)
            refuseOnModel(nic)
            nics.append(nic)
        }
        refuseSharedNames(nics)
        return nics
    }

    private mutating func decodeNetwork(_ index: Int) -> Setting<NetworkChoice>? {
        let choice = setting(.net, at: index, Self.network)
        guard index == 0 else { return choice }
        let bridge = setting(.bridge) { text throws(ValueFault) in
            NetworkChoice.network(.bridge(try Self.bridge(text)))
        }
        let (net, short) = (assignment(.net, at: 0)?.source, assignment(.bridge)?.source)
        if let choice, let bridge, net != short {
            // The file that includes the other takes precedence, whichever way it says it.
            return net ?? 0 < short ?? 0 ? choice : bridge
        }
        if let choice, let bridge, choice.value != bridge.value {
            conflict(
                .bridge, "BRIDGE: NET0\(place(choice.origin)) says something else",
                hint: "BRIDGE=NAME is short for NET0=bridge:NAME. \(removal: "Remove one of the two lines.")")
        }
        if let found = choice ?? bridge { return found }
        // If the line is there but wrong, the default is not used instead.
        guard !mentions(.net, at: 0), !mentions(.bridge), let standard = DeviceName("br0") else { return nil }
        return Setting(.network(.bridge(standard)), .standard(key: KeyName(.net, 0)))
    }

    private mutating func decodeMAC(_ index: Int) -> Setting<MACAddress>? {
        let mac = setting(.netMAC, at: index, Self.mac)
        guard index == 0 else { return mac }
        let short = setting(.mac, Self.mac)
        if short != nil, let long = assignment(.netMAC, at: 0) {
            conflict(
                .mac, "MAC: NET0_MAC is set\(place(origin(of: long, KeyName(.netMAC, 0))))",
                hint: "MAC is short for NET0_MAC. \(removal: "Remove one of the two lines.")")
        }
        return mac ?? short
    }

    /// The settings of a NIC.
    private static let nicKeys: [ParamsKey] = [
        .netMAC, .netTap, .netMTU, .netVLAN, .netQueues, .netRate, .netFilter, .netModel,
    ]

    /// Refuses settings for a NIC that does not exist, and settings that the NIC's network does not support.
    private mutating func refuseWithout(_ choice: Setting<NetworkChoice>, _ index: Int) {
        guard mentions(anyOf: Self.nicKeys + [.mac]) else { return }
        for key in Self.nicKeys {
            var names = [KeyName(key, index)]
            if key == .netMAC, index == 0 { names.append(KeyName(.mac)) }
            names.removeAll { !mentions($0.key, at: $0.index) }
            guard !names.isEmpty else { continue }
            let reason: String
            switch choice.value {
            case .none: reason = "is none"
            case .network(let network):
                guard let lack = network.lack(of: key) else { continue }
                reason = "is \(network), which has \(lack)"
            }
            for name in names {
                conflict(
                    name.key, at: name.index, "\(name): NET\(index)\(place(choice.origin)) \(reason)",
                    hint: "\(removal: "Remove the line,") or connect the NIC to a bridge.")
            }
        }
    }

    /// Refuses what only a virtio card can do.
    private mutating func refuseOnModel(_ nic: VMParams.NIC) {
        guard nic.model.value == .e1000e else { return }
        let model = "NET\(nic.index)_MODEL=e1000e\(place(nic.model.origin))"
        if let queues = nic.queues, queues.value > 1 {
            conflict(
                .netQueues, at: nic.index, "NET\(nic.index)_QUEUES: \(model) has only one queue",
                hint: "\(removal: "Remove the line,") or use the model virtio.")
        }
        if nic.mtu != nil {
            conflict(
                .netMTU, at: nic.index, "NET\(nic.index)_MTU: \(model) can't tell the guest its MTU",
                hint: "\(removal: "Remove the line") and set the MTU in the guest, or use the model virtio.")
        }
    }

    /// `ip` alone means the addresses that kvmctl's own network gave the guest.
    private mutating func refuseUnknownAddresses(_ filter: SourceFilter?, _ network: Network, _ index: Int) {
        guard filter?.addresses == .lease, network != .nat, network != .user else { return }
        conflict(
            .netFilter, at: index, "NET\(index)_FILTER: the guest's addresses on \(network) are not known here",
            hint: """
                List them, such as \(example: "ip=192.0.2.7,2001:db8::7"); only on nat can 'ip' stand alone.
                """)
    }

    /// Two NICs with one MAC break each other's traffic; a tap serves only one NIC.
    private mutating func refuseSharedNames(_ nics: [VMParams.NIC]) {
        for (position, nic) in nics.enumerated() {
            let earlier = nics[..<position]
            if let mac = nic.mac, let other = earlier.first(where: { $0.mac?.value == mac.value })?.mac {
                conflict(
                    .netMAC, at: nic.index, "NET\(nic.index)_MAC: \(mac.value) is already used\(place(other.origin))",
                    hint: "Give each NIC a different MAC, or \(removal: "remove the line") to have it derived.")
            }
            if let tap = nic.tap, let other = earlier.first(where: { $0.tap?.value == tap.value })?.tap {
                conflict(
                    .netTap, at: nic.index, "NET\(nic.index)_TAP: \(tap.value) is already used\(place(other.origin))",
                    hint: "Give each tap a different name, or \(removal: "remove the line") for the first free tapN.")
            }
        }
    }
}

extension Network {
    /// What the network lacks for a setting; nil if it supports the setting.
    fileprivate func lack(of key: ParamsKey) -> String? {
        switch (self, key) {
        case (.bridge, _), (_, .netMAC): nil
        case (.user, .netTap): "no tap"
        case (.user, .netMTU): "no MTU setting"
        case (.user, .netQueues): "only one queue"
        case (.user, .netRate): "no rate limit"
        case (.user, .netFilter): "no filter: the guest's packets leave as QEMU's own traffic"
        case (_, .netVLAN): "no VLANs"
        default: nil
        }
    }
}
