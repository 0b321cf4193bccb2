import BridgeNet
import VMCore
import VMHost

/// A network card that is to be attached.
package struct NewNIC: Sendable {
    /// What it is connected to.
    package var network: Network
    /// Its address; nil: derived from the VM's UUID.
    package var mac: MACAddress?
    /// The VLANs that it carries, as `NETn_VLAN` says it.
    package var vlans: String?
    /// Which card it is; nil: virtio.
    package var model: NICModel?

    /// Describes a card; see the properties.
    package init(network: Network, mac: MACAddress? = nil, vlans: String? = nil, model: NICModel? = nil) {
        (self.network, self.mac, self.vlans, self.model) = (network, mac, vlans, model)
    }

    /// The lines that make it NIC n.
    fileprivate func lines(_ index: Int, mac: MACAddress?) -> [ParamsLine] {
        let settings: [(ParamsKey, String?)] = [
            (.net, network.description), (.netMAC, mac?.description), (.netVLAN, vlans),
            (.netModel, model?.rawValue),
        ]
        return settings.compactMap { key, value in value.map { ParamsLine(KeyName(key, index), $0) } }
    }

    fileprivate func describes(_ nic: VMParams.NIC) -> Bool {
        nic.network.value == network && (mac == nil || nic.mac?.value == mac)
            && nic.vlans?.value.description == vlans
    }
}

extension Machine {
    /// Attaches a network card as the first NETn that is free: now, and for the next start.
    ///
    /// One that the file has and the machine not yet keeps its number, and so does one that is known by its address.
    package func attach(_ card: NewNIC, _ request: ChangeRequest) throws(VMError) -> DeviceChange {
        let file = try request.context.file(of: self)
        return try whileChanging(request) { running throws(VMError) in
            let slot = try self.slot(for: card, running, file)
            var change = DeviceChange(
                deed: .attach, device: "NET\(slot.index)",
                machine: running == nil
                    ? request.scope.includesMachine ? .notRunning : .untouched : slot.inMachine ? .already : .changed)
            let described =
                slot.inFile
                ? file.params
                : try VMParams.of(
                    card.lines(slot.index, mac: card.mac), name: file.params.name.value, file: self.file)
            let only = file.params.only(nic: described.nics.first { $0.index == slot.index }, called: "\(name)")
            if change.machine == .changed, let running { try running.refuseSecondNAT(card.network, in: self) }
            let plan = slot.inMachine ? nil : try plugPlan(only, into: running, file, request)
            let mac = plan?.launch.vm.nics.first?.mac ?? card.mac
            try refuseTaken(mac, running, file, besides: slot.index)
            change.what = [card.network.description, mac?.description].compactMap(\.self).joined(separator: ", ")
            change.notices = plan?.launch.notices ?? []
            if request.scope.includesFile, !slot.inFile {
                for line in card.lines(slot.index, mac: mac) {
                    change.edits.append(try ParamsEdit(key: line.key, value: line.value))
                }
            }
            if request.isDryRun { return change }
            try self.change(change.edits, file.trust, isLive: change.machine == .changed) { () throws(VMError) in
                guard change.machine == .changed, var running, let plan else { return }
                // Left of a card that the guest let go of when nobody waited any longer.
                try removeBackend(ofNIC: slot.index)
                try running.plug(plan, file.trust, in: request.context)
            }
            return change
        }
    }

    /// The n of a card, and where it is already.
    private func slot(
        for card: NewNIC, _ running: RunningMachine?, _ file: VMFile
    ) throws(VMError) -> (index: Int, inFile: Bool, inMachine: Bool) {
        func isFree(_ index: Int) -> Bool { running?.hardware.devices.contains("nic\(index)") != true }
        let described = file.params.nics.filter { card.describes($0) }
        if let mac = card.mac {
            let plugged = running?.nics.first { $0.mac == mac && $0.network == card.network }?.index
            let own = described.first { plugged == nil || $0.index == plugged }?.index
            // Its number may be that of another line.
            let isTaken = own == nil && file.params.nics.contains { $0.index == plugged }
            if let index = plugged ?? own, !isTaken { return (index, own != nil, plugged != nil) }
        } else if running != nil, let pending = described.first(where: { isFree($0.index) }) {
            return (pending.index, true, false)
        }
        let taken = Set(file.params.nics.map(\.index))
        let most = ParamsSchema.indices(of: .net)
        if let free = most.first(where: { !taken.contains($0) && isFree($0) }) { return (free, false, false) }
        throw VMError(.unavailable, name.description, "it has \(most.count) network cards, and can't have more")
    }

    /// Two cards of one VM with one address would be one to its networks.
    private func refuseTaken(
        _ mac: MACAddress?, _ running: RunningMachine?, _ file: VMFile, besides index: Int
    ) throws(VMError) {
        guard let mac else { return }
        let own = file.params.nics.map { ($0.index, $0.mac?.value) } + (running?.cards ?? [])
        guard let other = own.first(where: { $0.0 != index && $0.1 == mac }) else { return }
        throw VMError(.busy, name.description, "NET\(other.0) has the MAC \(mac)", remedy: "give another with --mac")
    }
}

extension RunningMachine {
    /// Its network cards and their addresses.
    fileprivate var cards: [(Int, MACAddress?)] { nics.map { ($0.index, $0.mac) } }

    /// The VM's part of `nat` is made as a whole, at its start.
    fileprivate func refuseSecondNAT(_ network: Network, in vm: Machine) throws(VMError) {
        guard network == .nat, nics.contains(where: { $0.network == .nat }) else { return }
        throw VMError(
            .unavailable, vm.name.description, "it has a card on nat, and can't be given another there while it runs",
            remedy: "change the file alone, with --config, and restart the VM")
    }
}
