import BridgeNet

/// What was heard from a guest on its network interface: takes frames, and yields addresses and a description. Pure.
package struct NICTrace {
    /// The guest's MAC. What other stations behind the same NIC send does not count.
    let mac: MACAddress
    /// How the guest's exchange with DHCP servers went.
    private(set) var dhcp = DHCPTrace()
    /// How many frames the guest sent that could have shown an address.
    private(set) var heard = 0
    private var found: [IPAddress: Set<GuestAddress.Source>] = [:]
    /// IPv6 addresses that the guest is about to take, and since when.
    private var claims: [IPAddress: Duration] = [:]
    /// The address that a DHCP server has just given it, which it may still find taken.
    private var lease: Lease?
    /// The VLAN of what others send on its network, if all of it is tagged.
    private(set) var othersVLAN: UInt16?
    private var hasHeardUntagged = false
    /// The address that it was given last and refused, as somebody else has it.
    private(set) var declined: IPAddress?
    /// Who else uses an address that the guest uses or was given.
    private(set) var rivals: [IPAddress: MACAddress] = [:]

    /// An address that was given, and when it counts as taken.
    private struct Lease {
        var address: IPAddress
        var settles: Duration
    }

    /// How long after it was given an address counts at the latest, if the guest does not ask whether anybody has it.
    static let leasePeriod = Duration.seconds(1)
    /// How long after such a question (RFC 5227, 1.1 and 2.1: PROBE_MAX and ANNOUNCE_WAIT, 2 s each, less as it has a part
    /// of them behind it). Before that, it mostly announces the address.
    static let probePeriod = Duration.milliseconds(2500)

    /// How long a host waits for an objection before it uses an IPv6 address (RFC 4862, 5.1 and 5.4:
    /// DupAddrDetectTransmits times RetransTimer, of 1 s), plus a margin for a slow guest.
    static let claimPeriod = Duration.milliseconds(1500)

    /// More than a guest has, and few enough that a guest that makes them up can't fill the memory.
    static let maximumAddresses = 64

    package init(mac: MACAddress) { self.mac = mac }

    /// Takes in a frame.
    ///
    /// - Parameters:
    ///   - isFromGuest: Its direction, as the kernel reports it: anybody can write the guest's MAC into a frame.
    ///   - time: When, on the clock that `addresses(at:)` uses.
    package mutating func hear(_ frame: EthernetFrame, isFromGuest: Bool, at time: Duration) {
        if isFromGuest, frame.source != mac { return }
        if isFromGuest { heard += 1 } else { note(others: frame.vlan) }
        switch frame.content {
        case .dhcp(let message): hear(message, in: frame.vlan, isFromGuest: isFromGuest, at: time)
        case .arp(let packet): hear(packet, isFromGuest: isFromGuest, at: time)
        case .neighbourDiscovery(let message): hear(message, isFromGuest: isFromGuest, at: time)
        }
    }

    /// The addresses that the guest has, and how each is known.
    package func addresses(at time: Duration) -> [IPAddress: Set<GuestAddress.Source>] {
        let taken = claims.filter { time - $0.value >= Self.claimPeriod }
        var all = taken.keys.reduce(into: found) { $0[$1, default: []].insert(.nd) }
        if let lease, time >= lease.settles, rivals[lease.address] == nil {
            all[lease.address, default: []].insert(.dhcp)
        }
        return all
    }

    /// When an address that was given begins to count, if there is one that does not count yet.
    package var settles: Duration? { lease?.settles }

    private mutating func hear(_ packet: ARPPacket, isFromGuest: Bool, at time: Duration) {
        guard isFromGuest else {
            // What somebody else says while the guest has the address, or is about to.
            let isTheirs = packet.senderMAC != mac && (found[packet.sender] ?? []).isEmpty == false
            if packet.senderMAC != mac, isTheirs || lease?.address == packet.sender {
                rivals[packet.sender] = packet.senderMAC
            }
            return
        }
        guard packet.senderMAC == mac else { return }
        // In a probe the sender has no address yet.
        guard packet.sender.isUnspecified else {
            settle(packet.sender)
            return note(packet.sender, .arp)
        }
        if lease?.address == packet.target { lease?.settles = time + Self.probePeriod }
    }

    /// The guest uses an address.
    private mutating func settle(_ address: IPAddress) {
        guard lease?.address == address else { return }
        lease = nil
        note(address, .dhcp)
        if declined == address { declined = nil }
    }

    private mutating func note(others vlan: UInt16?) {
        hasHeardUntagged = hasHeardUntagged || vlan == nil
        othersVLAN = hasHeardUntagged ? nil : vlan
    }

    private mutating func hear(_ message: DHCPMessage, in vlan: UInt16?, isFromGuest: Bool, at time: Duration) {
        guard message.client == mac, dhcp.hear(message, in: vlan, isFromGuest: isFromGuest),
            let address = message.address
        else { return }
        switch message.kind {
        case .acknowledgement:
            // Its previous address is no longer valid.
            found = found.filter { !$0.value.contains(.dhcp) || $0.key == address }
            // One that it has already is renewed.
            if found[address] == nil { lease = Lease(address: address, settles: time + Self.leasePeriod) }
        // A renewal is sent from the address itself.
        case .request: note(address, .dhcp)
        case .release: forget(address)
        case .decline:
            forget(address)
            declined = address
        default: break
        }
    }

    private mutating func hear(_ message: NeighbourDiscovery, isFromGuest: Bool, at time: Duration) {
        guard isFromGuest else {
            // Somebody else has the address already.
            if case .advertisement(let target) = message.kind { claims[target] = nil }
            return
        }
        if !message.source.isUnspecified { note(message.source, .nd) }
        switch message.kind {
        case .solicitation(let target) where message.source.isUnspecified:
            if claims.count < Self.maximumAddresses { claims[target] = claims[target] ?? time }
        case .advertisement(let target): note(target, .nd)
        default: break
        }
    }

    private mutating func forget(_ address: IPAddress) {
        found[address] = nil
        if lease?.address == address { lease = nil }
    }

    private mutating func note(_ address: IPAddress, _ source: GuestAddress.Source) {
        if found[address] != nil || found.count < Self.maximumAddresses { found[address, default: []].insert(source) }
    }
}
