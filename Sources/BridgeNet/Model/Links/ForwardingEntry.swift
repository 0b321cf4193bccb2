/// The holder of an Ethernet address, as far as a bridge knows.
public struct AddressHolder: Equatable, Sendable {
    /// The index of the link: the port behind which the address was heard, or the link that has the address itself,
    /// which can be the bridge.
    public var link: UInt32
    /// Whether the link has the address itself.
    public var isOwn: Bool
}

/// An entry that a bridge has learned (bridge(8), fdb): an Ethernet address, and the port behind which it was heard.
public struct ForwardingEntry: Equatable, Sendable {
    /// The address of the station.
    public var mac: MACAddress
    /// The index of the port.
    public var port: UInt32
    /// The index of the bridge.
    public var bridge: UInt32

    /// An entry with these properties.
    public init(mac: MACAddress, port: UInt32, bridge: UInt32) {
        (self.mac, self.port, self.bridge) = (mac, port, bridge)
    }
}
