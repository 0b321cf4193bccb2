/// A bridge as wanted, with its connection to a network and the host's addresses there.
public struct ConnectedBridge: Equatable, Sendable {
    /// The bridge itself.
    public var bridge: BridgeSpec
    /// The device that connects it to the outside network. Its addresses, routes and MAC become the bridge's.
    public var uplink: DeviceName?
    /// Addresses that the host gets on the bridge.
    public var addresses: [IPPrefix]
    /// Gateways for the host's default routes, at most one of each family.
    public var gateways: [IPAddress]
    /// Whether it has to run the spanning tree protocol; false leaves that as it is.
    public var spanningTree: Bool
    /// Whether it has to be VLAN-aware; false leaves that as it is.
    public var vlanAware: Bool

    /// A bridge with these properties; what is left out is not wanted.
    public init(
        _ bridge: BridgeSpec, uplink: DeviceName? = nil, addresses: [IPPrefix] = [], gateways: [IPAddress] = [],
        spanningTree: Bool = false, vlanAware: Bool = false
    ) {
        (self.bridge, self.uplink, self.addresses, self.gateways) = (bridge, uplink, addresses, gateways)
        (self.spanningTree, self.vlanAware) = (spanningTree, vlanAware)
    }
}
