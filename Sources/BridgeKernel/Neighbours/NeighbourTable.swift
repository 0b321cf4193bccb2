import BridgeNet

extension RouteSocket {
    /// The neighbour table of the namespace, both families.
    public mutating func neighbours() throws(NetworkError) -> [NeighbourEntry] {
        try list(EntryRequest.dumpNeighbours, of: NeighbourWire.newNeighbour, "neighbours") {
            payload throws(WireError) in try NeighbourEntry.decode(payload)
        }
    }
}
