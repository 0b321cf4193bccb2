import BridgeNet

extension RouteSocket {
    /// What is written down of neighbours, and the addresses that the host answers for.
    public mutating func fixedNeighbours() throws(NetworkError) -> [FixedNeighbour] {
        var found: [FixedNeighbour] = []
        for request in [EntryRequest.dumpNeighbours, EntryRequest.dumpProxies] {
            found += try list(request, of: NeighbourWire.newNeighbour, "neighbours") { payload throws(WireError) in
                try FixedNeighbour.decode(payload)
            }
        }
        return found
    }
}
