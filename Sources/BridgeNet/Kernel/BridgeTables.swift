extension RouteSocket {
    /// What the bridges of the namespace have learned: which address is behind which port.
    public mutating func forwardingEntries() throws(NetworkError) -> [ForwardingEntry] {
        try list(EntryRequest.dumpForwarding, of: NeighbourWire.newNeighbour, "forwarding tables") {
            payload throws(WireError) in try ForwardingEntry.decode(payload)
        }
    }
}

extension RouteSocket {
    /// The indices of those ports of bridges that have a VLAN for frames without a tag; on a bridge that keeps VLANs apart,
    /// the others drop such frames.
    public mutating func untaggedPorts() throws(NetworkError) -> Set<UInt32> {
        Set(
            try list(LinkRequest.dumpPortVLANs, of: LinkWire.newLink, "VLANs") { payload throws(WireError) in
                try PortVLANWire.untaggedPort(decoding: payload)
            })
    }
}
