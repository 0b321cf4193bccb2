import BridgeNet
import SystemPackage

extension RouteSocket {
    /// What the bridges of the namespace have learned: which address is behind which port.
    public mutating func forwardingEntries() throws(NetworkError) -> [ForwardingEntry] {
        try list(EntryRequest.dumpForwarding, of: NeighbourWire.newNeighbour, "forwarding tables") {
            payload throws(WireError) in try ForwardingEntry.decode(payload)
        }
    }
}

extension RouteSocket {
    /// Who has an address, as far as the bridge of that index knows; nil where it knows nobody, or the kernel can't be asked
    /// for a single one (before Linux 5.0).
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
    /// The indices of those ports of bridges that have a VLAN for frames without a tag; on a bridge that keeps VLANs apart,
    /// the others drop such frames.
    public mutating func untaggedPorts() throws(NetworkError) -> Set<UInt32> {
        Set(
            try list(LinkRequest.dumpPortVLANs, of: LinkWire.newLink, "VLANs") { payload throws(WireError) in
                try PortVLANWire.untaggedPort(decoding: payload)
            })
    }
}
