/// A bridge as wanted, with what connects it and the host to a network.
public struct ConnectedBridge: Equatable, Sendable {
    /// The bridge itself.
    public var bridge: BridgeSpec
    /// The device that connects it to the network outside; its addresses, routes and MAC become the bridge's.
    public var uplink: DeviceName?
    /// Addresses that the host is to have on it.
    public var addresses: [IPPrefix]
    /// Routers that default routes are to lead through, one of a family at most.
    public var gateways: [IPAddress]
    /// Whether it is to speak the spanning tree protocol; else it is left as it is.
    public var spanningTree: Bool
    /// Whether it is to keep VLANs apart; else it is left as it is.
    public var vlanAware: Bool

    /// A bridge of these properties; what is left out is not wanted.
    public init(
        _ bridge: BridgeSpec, uplink: DeviceName? = nil, addresses: [IPPrefix] = [], gateways: [IPAddress] = [],
        spanningTree: Bool = false, vlanAware: Bool = false
    ) {
        (self.bridge, self.uplink, self.addresses, self.gateways) = (bridge, uplink, addresses, gateways)
        (self.spanningTree, self.vlanAware) = (spanningTree, vlanAware)
    }
}
