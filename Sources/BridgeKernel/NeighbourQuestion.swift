import BridgeNet

extension EntryRequest {
    /// Has the kernel ask for a neighbour by ARP or ND, now. One that it knows is asked again, by name; of one that it
    /// doesn't, all are asked (`neigh_add`, net/core/neighbour.c).
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
    /// Which of the stations on a link have answered, by ARP or ND, since they were asked last; those that have, or have
    /// given up, or were never asked, are asked again. So what the first call says is what was known before.
    public mutating func askNeighbours(
        _ addresses: [IPAddress], link: UInt32
    ) throws(NetworkError) -> Set<IPAddress> {
        let known = try neighbours().filter { $0.link == link }
        var answered: Set<IPAddress> = []
        for address in addresses {
            let entry = known.first { $0.address == address }
            if entry?.state == .incomplete || entry?.state == .probe { continue }
            if entry?.state == .reachable || entry?.state == .permanent { answered.insert(address) }
            // What the admin wrote down stays.
            if entry?.state == .permanent { continue }
            let mac = entry?.state == .failed ? nil : entry?.mac
            _ = try ask(
                EntryRequest.question(address, link: link, known: mac), subject: "\(address)", doing: "asking for it")
        }
        return answered
    }
}
