/// Who has an Ethernet address, as far as a bridge knows.
public struct AddressHolder: Equatable, Sendable {
    /// The index of the link: the port that the address was heard behind, or the link whose own it is, which can be the
    /// bridge itself.
    public var link: UInt32
    /// Whether it is the link's own.
    public var isOwn: Bool
}

/// What a bridge has learned (bridge(8), fdb): an Ethernet address, and the port that it was heard behind.
public struct ForwardingEntry: Equatable, Sendable {
    /// The address of the station.
    public var mac: MACAddress
    /// The index of the port.
    public var port: UInt32
    /// The index of the bridge.
    public var bridge: UInt32

    /// An entry of these properties.
    public init(mac: MACAddress, port: UInt32, bridge: UInt32) {
        (self.mac, self.port, self.bridge) = (mac, port, bridge)
    }
}
