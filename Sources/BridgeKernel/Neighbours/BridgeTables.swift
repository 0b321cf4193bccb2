import BridgeNet
import SystemPackage

extension RouteSocket {
    /// All addresses that the namespace's bridges have learned, with the port of each.
    public mutating func forwardingEntries() throws(NetworkError) -> [ForwardingEntry] {
        try list(EntryRequest.dumpForwarding, of: NeighbourWire.newNeighbour, "forwarding tables") {
            payload throws(WireError) in try ForwardingEntry.decode(payload)
        }
    }
}

extension RouteSocket {
    /// The holder of an address, as far as the bridge with this index knows; nil if the bridge has no entry for it, or
    /// if the kernel can't look up a single entry (before Linux 5.0).
    public mutating func holder(of mac: MACAddress, on bridge: UInt32) throws(NetworkError) -> AddressHolder? {
        let (subject, doing) = ("\(mac)", "asking a bridge for it")
        let answer: [NetlinkMessage]
        do {
            answer = try ask(EntryRequest.forwarding(of: mac, on: bridge), subject: subject, doing: doing)
        } catch  where [.noSuchFileOrDirectory, .notSupportedOnSocket, .invalidArgument].contains(error.errno) {
            return nil
        }
        return try decode(answer, of: NeighbourWire.newNeighbour, subject: subject, doing: doing) {
            payload throws(WireError) in try AddressHolder.decode(payload)
        }.first
    }
}

extension RouteSocket {
    /// The indices of the bridge ports that have a VLAN for untagged frames. On a VLAN-aware bridge the other ports
    /// drop untagged frames.
    public mutating func untaggedPorts() throws(NetworkError) -> Set<UInt32> {
        Set(
            try list(LinkRequest.dumpPortVLANs, of: LinkWire.newLink, "VLANs") { payload throws(WireError) in
                try PortVLANWire.untaggedPort(decoding: payload)
            })
    }
}
