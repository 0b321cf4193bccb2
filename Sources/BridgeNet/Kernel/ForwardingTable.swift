extension RouteSocket {
    /// What the bridges of the namespace have learned: which address is behind which port.
    public mutating func forwardingEntries() throws(NetworkError) -> [ForwardingEntry] {
        try list(EntryRequest.dumpForwarding, of: NeighbourWire.newNeighbour, "forwarding tables") {
            payload throws(WireError) in try ForwardingEntry.decode(payload)
        }
    }
}
