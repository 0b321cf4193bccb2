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
    /// Addresses that the guest is about to take, and since when.
    private var claims: [IPAddress: Duration] = [:]

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
        if isFromGuest { heard += 1 }
        switch frame.content {
        case .dhcp(let message): hear(message, isFromGuest: isFromGuest)
        case .arp(let packet):
            // In a probe the sender has no address yet.
            guard isFromGuest, packet.senderMAC == mac, !packet.sender.isUnspecified else { return }
            note(packet.sender, .arp)
        case .neighbourDiscovery(let message): hear(message, isFromGuest: isFromGuest, at: time)
        }
    }

    /// The addresses that the guest has, and how each is known.
    package func addresses(at time: Duration) -> [IPAddress: Set<GuestAddress.Source>] {
        let taken = claims.filter { time - $0.value >= Self.claimPeriod }
        return taken.keys.reduce(into: found) { $0[$1, default: []].insert(.nd) }
    }

    private mutating func hear(_ message: DHCPMessage, isFromGuest: Bool) {
        guard message.client == mac, dhcp.hear(message, isFromGuest: isFromGuest), let address = message.address
        else { return }
        switch message.kind {
        case .acknowledgement:
            // Its previous address is no longer valid.
            found = found.filter { !$0.value.contains(.dhcp) || $0.key == address }
            note(address, .dhcp)
        // A renewal is sent from the address itself.
        case .request: note(address, .dhcp)
        case .release, .decline: found[address] = nil
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

    private mutating func note(_ address: IPAddress, _ source: GuestAddress.Source) {
        if found[address] != nil || found.count < Self.maximumAddresses { found[address, default: []].insert(source) }
    }
}
