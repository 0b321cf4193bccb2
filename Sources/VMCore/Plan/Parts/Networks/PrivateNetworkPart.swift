import BridgeNet

extension LaunchPlanner {
    /// `isolated:NAME`: a tap on a bridge of kvmctl's own, which the VM holds with all others that are on it.
    mutating func planIsolated(_ nic: VMParams.NIC, _ network: NetworkName, _ mac: MACAddress) -> Int? {
        guard let bridge = freeBridge(of: nic) else { return nil }
        if !plan.descriptors.contains(where: { $0.role == .isolated(network) }) { _ = inherit(.isolated(network)) }
        return planTap(nic, bridge, mac)
    }

    /// `nat`: the same, with an address on it that is always the same while nobody else has it, and the host's ports that
    /// lead to that address.
    mutating func planNAT(_ nic: VMParams.NIC, _ mac: MACAddress) -> Int? {
        guard let bridge = freeBridge(of: nic) else { return nil }
        if plan.nat == nil {
            // In this order: what the VM has on the network is made when the network is there.
            _ = inherit(.natNetwork)
            _ = inherit(.natLease)
            plan.nat = NATMember(name: params.name.value, stations: [], forwards: [])
            planForwarding()
            checkNames(at: place(nic.network.origin), bridge)
        }
        var address: IPAddress?
        if let network = facts.nat {
            let others = network.taken.union(plan.nat?.stations.compactMap(\.address) ?? [])
            address = NATAddressing.address(for: mac, in: network.prefix, avoiding: others)
        }
        plan.nat?.stations.append(.init(nic: nic.index, mac: mac, address: address))
        if params.forwardNIC?.index == nic.index { planForwards() }
        return planTap(nic, bridge, mac)
    }

    /// The bridge of a network of kvmctl's own, unless its name is taken by something else.
    private mutating func freeBridge(of nic: VMParams.NIC) -> InterfaceName? {
        guard let bridge = nic.network.value.privateBridge else { return nil }
        guard let other = facts.bridges[bridge]?.otherKind else { return bridge }
        refuse(
            .busy, place(nic.network.origin),
            "its bridge would be \(bridge), and there is \(other) of that name already",
            .bridge(DeviceName(bridge), .otherKind),
            remedy: "rename or remove that one, if nobody needs it; or use another network")
        return nil
    }

    /// The host's ports stay taken for as long as they lead to the guest: nobody else can listen there meanwhile.
    private mutating func planForwards() {
        for forward in params.forwards {
            refuseServersPort(forward)
            refuseTaken(forward.value.hostEnd, at: forward.origin, remedy: "forward another port")
            _ = inherit(.hostPort(forward.value.hostEnd))
        }
        plan.nat?.forwards = params.forwards.map(\.value)
    }

    /// Whether the guest can have its name, and its network somebody who answers to it.
    private mutating func checkNames(at place: String, _ bridge: InterfaceName) {
        guard let network = facts.nat else { return }
        let refusal = NATAddressing.refusal(ofNameOf: params.name.value, among: network.members, subject: place)
        if let refusal { problem(refusal) }
        let remedy = NATServer.remedy(forServerInTheWayOf: bridge)
        if network.isNamePortTaken {
            refuse(
                .busy, place, "another DNS server has port 53 of every address of this host already in use",
                remedy: remedy)
        }
        if network.isLeasePortTaken {
            refuse(.busy, place, "another DHCP server has port 67 of this host already in use", remedy: remedy)
        }
    }

    /// The network's own server is at its address, and hears DHCP at every address.
    private mutating func refuseServersPort(_ forward: Setting<PortForward>) {
        guard let network = facts.nat else { return }
        let address = network.prefix.address.description
        let servers = [
            ("DNS", HostPort(.tcp, address, NATServer.namePort)), ("DNS", HostPort(.udp, address, NATServer.namePort)),
            ("DHCP", HostPort(.udp, "", NATServer.leasePort)),
        ]
        guard let (service, port) = servers.first(where: { $0.1.overlaps(forward.value.hostEnd) }) else { return }
        refuse(
            .badData, place(forward.origin),
            "\(port.transport.rawValue) port \(port.number) is that of the network's own \(service) server",
            .portOfNAT(port),
            remedy: service == "DNS"
                ? "name the address of the host's that it shall be open at" : "forward another port")
    }

    private mutating func planForwarding() {
        guard let network = facts.nat, !network.isForwarding else { return }
        plan.notices.append(
            "makes the host a router while VMs are on nat: switches IPv4 forwarding on (net.ipv4.ip_forward=1)")
    }
}

extension Network {
    /// The bridge of a network of kvmctl's own; nil for the others.
    package var privateBridge: InterfaceName? {
        switch self {
        case .isolated(let name): InterfaceName("\(InterfaceName.isolatedPrefix)\(name)")
        case .nat: InterfaceName(InterfaceName.natBridge)
        case .bridge, .macvtap, .user: nil
        }
    }

    /// Whether kvmctl makes the network when the first VM is to be on it.
    package var isPrivate: Bool {
        switch self {
        case .nat, .isolated: true
        case .bridge, .macvtap, .user: false
        }
    }
}

/// What a VM has on `nat`.
package struct NATMember: Equatable, Sendable {
    /// The VM's name, which its guest is known by to the others.
    package var name: VMName
    /// Its NICs there.
    package var stations: [Station]
    /// The host's ports that lead to its first station.
    package var forwards: [PortForward]

    /// A NIC on `nat`.
    package struct Station: Equatable, Sendable {
        /// The n of `NETn`.
        package var nic: Int
        /// Its MAC.
        package var mac: MACAddress
        /// The address that it gets from the network's DHCP server; nil where that is not known yet.
        package var address: IPAddress?
    }
}

/// The network `nat` as it is, or as it would be made.
package struct NATFacts: Equatable, Sendable {
    /// The host's address on it, and the network.
    package var prefix: IPPrefix
    /// Its MTU in bytes.
    package var mtu: Int
    /// The addresses that other VMs have, as far as the caller may look.
    package var taken: Set<IPAddress>
    /// Whether the host forwards IPv4 packets.
    package var isForwarding: Bool
    /// The VMs that are on it, as far as the caller may look.
    package var members: [VMName]
    /// Whether somebody else answers to names at the host's address on it, as far as the caller may look.
    package var isNamePortTaken: Bool
    /// Whether somebody else has the port of DHCP, and does not share it, as far as the caller may look.
    package var isLeasePortTaken: Bool

    /// Describes the network; see the properties.
    package init(
        prefix: IPPrefix, mtu: Int = 1500, taken: Set<IPAddress> = [], isForwarding: Bool = true,
        members: [VMName] = [], isNamePortTaken: Bool = false, isLeasePortTaken: Bool = false
    ) {
        self.prefix = prefix
        self.mtu = mtu
        self.taken = taken
        self.isForwarding = isForwarding
        self.members = members
        self.isNamePortTaken = isNamePortTaken
        self.isLeasePortTaken = isLeasePortTaken
    }
}
