import BridgeNet

extension RouteSocket {
    /// The static neighbours, and the addresses for which the host is a proxy.
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
