import BridgeNet

extension EntryRequest {
    /// Makes the kernel ask for a neighbour by ARP or ND, now. A known neighbour is asked by unicast, an unknown one by
    /// broadcast or multicast (`neigh_add`, net/core/neighbour.c).
    static func question(_ address: IPAddress, link: UInt32, known mac: MACAddress?) -> EntryRequest {
        EntryRequest(
            type: NeighbourWire.newNeighbour, flags: [.request, .acknowledge, .create, .replace],
            header: NeighbourWire.header(
                address.family, link: link, state: mac == nil ? 0 : NeighbourEntry.State.probe.rawValue,
                flags: mac == nil ? NeighbourWire.use : 0),
            attributes: [.bytes(NeighbourWire.destination, address.octets)]
                + (mac.map { [.bytes(NeighbourWire.linkAddress, $0.octets)] } ?? []))
    }
}

extension RouteSocket {
    /// Returns the stations on a link that have answered, by ARP or ND, since they were last asked. Those that have
    /// answered, have failed to, or were never asked are asked again. So the first call returns what was known before.
    public mutating func askNeighbours(
        _ addresses: [IPAddress], link: UInt32
    ) throws(NetworkError) -> Set<IPAddress> {
        let known = try neighbours().filter { $0.link == link }
        var answered: Set<IPAddress> = []
        for address in addresses {
            let entry = known.first { $0.address == address }
            if entry?.state == .incomplete || entry?.state == .probe { continue }
            if entry?.state == .reachable || entry?.state == .permanent { answered.insert(address) }
            // Keep the admin's static entries.
            if entry?.state == .permanent { continue }
            let mac = entry?.state == .failed ? nil : entry?.mac
            _ = try ask(
                EntryRequest.question(address, link: link, known: mac), subject: "\(address)", doing: "asking for it")
        }
        return answered
    }
}
