import BridgeNet

extension LaunchPlanner {
    /// `NETn`: a back end and a card each.
    mutating func planNetwork() {
        for (position, nic) in params.nics.enumerated() {
            let mac =
                nic.mac
                ?? Setting(identity.mac(nic: nic.index), .derived("NET\(nic.index)_MAC, derived from the VM's UUID"))
            if nic.mac == nil { plan.derivedValues.append("NET\(nic.index)_MAC=\(mac.value), from the VM's UUID") }
            let network = facts.called(nic.network.value)
            plan.vm.nics[position].mac = mac.value
            plan.vm.nics[position].network = network
            if network != .user {
                plan.sharedAddresses.append(
                    .init(nic: nic.index, mac: mac.value, network: network, place: place(mac.origin)))
            }
            var mtu: Int?
            switch nic.network.value {
            case .bridge(let bridge): mtu = planBridge(nic, bridge, mac.value)
            case .user: planUserNetwork(nic)
            case .isolated(let network): mtu = planIsolated(nic, network, mac.value)
            case .nat: mtu = planNAT(nic, mac.value)
            case .macvtap(let device): mtu = planMacvtap(nic, device, mac.value)
            }
            planPolicy(nic, mac.value)
            planCard(nic, at: position, mac, mtu: mtu)
        }
        planPolicies()
        // Noted when they are all there, and held by the VM as one.
        if !plan.taps.isEmpty { _ = inherit(.taps) }
    }

    /// `bridge:NAME`.
    private mutating func planBridge(_ nic: VMParams.NIC, _ wish: DeviceName, _ mac: MACAddress) -> Int? {
        if let bridge = facts.name(of: wish) { return planTap(nic, bridge, mac) }
        refuse(
            .unavailable, place(nic.network.origin), "there is no bridge \(wish)", .bridge(wish, .absent),
            remedy: "\(command: "kvmctl net show") lists those there are")
        return nil
    }

    private mutating func planCard(
        _ nic: VMParams.NIC, at position: Int, _ mac: Setting<MACAddress>, mtu: Int?
    ) {
        if nic.model.value == .e1000e {
            requireDevice(
                .e1000e, for: nic.model.origin,
                remedy: "remove the line, or use a QEMU that was built with it")
            if let mtu {
                plan.notices.append(
                    "NET\(nic.index): set the MTU of \(mtu) in the guest, which an e1000e card can't tell")
            }
        }
        let model = nic.model.value == .virtio ? nil : nic.model.origin
        let card = Device.card(
            nic, mac: mac.value, mtu: mtu, at: .root(PCILayout.nic(position, of: params.nics.count)),
            bootIndex: bootOrder.nics[nic.index])
        add(
            .device(card), purpose: "guest's network card",
            from: [nic.network.origin, mac.origin] + [nic.queues?.origin, model].compactMap(\.self))
    }

    /// QEMU's end of a tap, by a descriptor for each queue, and as many of /dev/vhost-net where there is one.
    mutating func planTapBackend(_ nic: VMParams.NIC, purpose: String) {
        let queues = 0..<(nic.queues?.value ?? 1)
        let taps = queues.map { DescriptorReference.inherited(inherit(.tap(nic: nic.index, queue: $0))) }
        // vhost serves virtio queues only.
        let isServed = facts.vhostNet && nic.model.value == .virtio
        let vhosts = (isServed ? queues : 0..<0).map {
            DescriptorReference.inherited(inherit(.vhost(nic: nic.index, queue: $0)))
        }
        let carrier: NetworkBackend.Carrier =
            if options.handDirectory != nil, let name = plan.taps.last?.name {
                .madeTap(name, queues: taps.count, isServed: isServed)
            } else { .tap(taps, vhost: vhosts) }
        let backend = NetworkBackend(nic.backendID, carrier)
        let settings: [Origin?] = [nic.vlans?.origin, nic.queues?.origin, nic.rate?.origin, nic.filter?.origin]
        let vhost: Origin? =
            switch (nic.model.value, facts.vhostNet) {
            case (.e1000e, _): nil
            case (.virtio, true): tried("/dev/vhost-net opens")
            case (.virtio, false): .host("no /dev/vhost-net here")
            }
        add(
            .backend(backend), purpose: ([purpose] + NICSettings(nic).words).joined(separator: ", "),
            from: [nic.network.origin] + (settings + [vhost]).compactMap(\.self))
    }

    /// A tap on a bridge; the MTU that the guest has to be told of, if it is not Ethernet's own.
    mutating func planTap(_ nic: VMParams.NIC, _ bridge: InterfaceName, _ mac: MACAddress) -> Int? {
        refuseTakenName(of: nic, like: "tapN")
        guard let mtu = usableMTU(nic, bridge) else { return nil }
        if let fault = facts.tun.tapFault {
            refuse(
                .unavailable, place(nic.network.origin), "\(DeviceCondition.tunPath) \(fault.cause)", .noTaps,
                remedy: fault.remedy)
        }
        judge(facts.bridges[bridge]?.holders[mac], of: mac, nic, on: bridge)
        plan.taps.append(
            .init(
                nic: nic.index, name: nic.tap?.value ?? tapByHand(nic), bridge: bridge,
                mtu: options.handDirectory == nil ? nic.mtu?.value : mtu,
                queues: nic.queues?.value ?? 1,
                vlans: nic.vlans?.value))
        planTapBackend(nic, purpose: "tap on \(bridge)")
        return mtu == 1500 ? nil : mtu
    }

    /// A tap that a person makes needs a name before it is there: one that belongs to this VM.
    private func tapByHand(_ nic: VMParams.NIC) -> InterfaceName? {
        guard options.handDirectory != nil else { return nil }
        return InterfaceName("kv\(plan.vm.uuid?.prefix(8) ?? "")-\(nic.index)")
    }

    mutating func refuseTakenName(of nic: VMParams.NIC, like free: String) {
        guard let tap = nic.tap, let owner = facts.interfaces[tap.value] else { return }
        refuse(
            .busy, place(tap.origin), "the name \(tap.value) is taken by \(owner)",
            remedy: "choose another NET\(nic.index)_TAP, or leave it out for the first free \(free)")
    }

    /// A MAC that the host has on the NIC's network can't be the guest's too.
    mutating func judge(_ holder: MACHolder?, of mac: MACAddress, _ nic: VMParams.NIC, on carrier: InterfaceName) {
        switch holder {
        case nil: return
        case .host(let owner):
            let own = plan.sharedAddresses.last { $0.nic == nic.index }
            refuse(
                .busy, own?.place ?? place(nic.network.origin),
                "the MAC \(mac) is that of \(owner): on \(carrier) only one of them could be reached",
                .hostsMAC(mac, on: carrier),
                remedy: "give the NIC another, such as NET\(nic.index)_MAC=\(unused(like: mac))")
        case .other(let owner):
            plan.notices.append(
                "the MAC \(mac) of NET\(nic.index) is also that of \(owner): on one network only one of them can be reached"
            )
        }
    }

    /// An address like that one which nobody is known to have, for an example.
    private func unused(like mac: MACAddress) -> MACAddress {
        let holders = facts.bridges.values.map(\.holders) + facts.lowerDevices.values.map(\.holders)
        let own = params.nics.map { $0.mac?.value ?? identity.mac(nic: $0.index) }
        let taken = Set(own + holders.flatMap(\.keys))
        return sequence(first: mac, next: LaunchPlan.otherMAC).first { !taken.contains($0) } ?? mac
    }

    /// Refuses what only root can make.
    mutating func mayMakeLinks(for nic: VMParams.NIC, _ what: String) -> Bool {
        if facts.isRoot { return true }
        refuse(
            .denied, place(nic.network.origin), "\(what) needs root", .needsRoot(facts.called(nic.network.value)),
            remedy: facts.actsFor.map { "it is started with the rights of \($0), who may use NET\(nic.index)=user" }
                ?? "run kvmctl as root, or use NET\(nic.index)=user")
        return false
    }

    private mutating func usableMTU(_ nic: VMParams.NIC, _ bridge: InterfaceName) -> Int? {
        let subject = place(nic.network.origin)
        guard mayMakeLinks(for: nic, "a tap on the bridge \(bridge)") else { return nil }
        guard let found = facts.bridges[bridge] else {
            refuse(
                .unavailable, subject, "there is no bridge \(bridge)", .bridge(DeviceName(bridge), .absent),
                remedy: .run("make it", "kvmctl net up \(bridge)"))
            return nil
        }
        if let kind = found.otherKind {
            refuse(
                .busy, subject, "\(bridge) is not a bridge, but \(kind)", .bridge(DeviceName(bridge), .otherKind),
                remedy: "name a bridge; \(command: "kvmctl net show") lists them")
            return nil
        }
        guard found.isUp else {
            refuse(
                .unavailable, subject, "the bridge \(bridge) is down", .bridge(DeviceName(bridge), .down),
                remedy: .run("bring it up", "kvmctl net up \(bridge)"))
            return nil
        }
        if let vlans = nic.vlans, !found.isVLANAware {
            refuse(
                .busy, place(vlans.origin), "the bridge \(bridge) does not keep VLANs apart",
                .bridge(DeviceName(bridge), .mixesVLANs),
                remedy: .run("make it", "kvmctl net up \(bridge) --vlan-aware"))
        }
        checkRoom(on: bridge, found, at: subject)
        return checkedMTU(nic, atMost: found.mtu, of: bridge)
    }

    /// The MTU of the NIC, which can't be more than that of what carries its frames.
    mutating func checkedMTU(_ nic: VMParams.NIC, atMost most: Int, of carrier: InterfaceName) -> Int? {
        guard let wanted = nic.mtu else { return most }
        guard wanted.value <= most else {
            refuse(
                .badData, place(wanted.origin),
                "\(wanted.value) is more than the \(most) of \(carrier), and would be lost there",
                .mtu(wanted.value, over: carrier),
                remedy: "write at most NET\(nic.index)_MTU=\(most), or leave the line out")
            return nil
        }
        return wanted.value
    }

    /// A full bridge keeps this VM from starting; one that is nearly full soon keeps others.
    private mutating func checkRoom(on bridge: InterfaceName, _ found: BridgeFacts, at subject: String) {
        guard let ports = found.ports else { return }
        let most = BridgeSpec.maximumPorts
        let wanted = params.nics.filter { facts.called($0.network.value) == .bridge(DeviceName(bridge)) }.count
        guard ports + wanted <= most else {
            refuse(
                .busy, subject, "the bridge \(bridge) is full: it has \(ports) of at most \(most) ports",
                .bridge(DeviceName(bridge), .full),
                remedy: "use another bridge, or stop VMs on this one")
            return
        }
        let notice = "the bridge \(bridge) has \(ports) of at most \(most) ports"
        if ports * 10 >= most * 9, !plan.notices.contains(notice) { plan.notices.append(notice) }
    }

    /// QEMU's own network stack, which needs no privilege.
    private mutating func planUserNetwork(_ nic: VMParams.NIC) {
        let forwards = params.forwardNIC?.index == nic.index ? params.forwards : []
        for forward in forwards {
            refuseReserved(forward)
            refuseTaken(forward.value.hostEnd, at: forward.origin, remedy: "forward another port")
        }
        let backend = NetworkBackend(nic.backendID, .user(forwards: forwards.map(\.value)))
        add(
            .backend(backend), purpose: "user-mode network",
            from: [nic.network.origin] + forwards.map(\.origin))
    }
}

extension LaunchPlanner {
    /// Here QEMU itself listens, which has no privileges, whoever starts it.
    private mutating func refuseReserved(_ forward: Setting<PortForward>) {
        guard forward.value.hostPort < facts.firstFreePort else { return }
        refuse(
            .denied, place(forward.origin),
            "QEMU can't listen on port \(forward.value.hostPort): ports below \(facts.firstFreePort) need privileges, and it "
                + "has none",
            .reservedPort(forward.value.hostPort),
            remedy: "forward a port from \(facts.firstFreePort) on, or use nat, where root takes the port")
    }
}
