import BridgeNet
import CLinux

extension RouteSocket {
    /// The whole network state of the namespace. The tables are read one after the other.
    public mutating func state() throws(NetworkError) -> NetworkState {
        var state = try linkState()
        for position in state.links.indices where state.links[position].isBridge {
            state.links[position].keepsMAC = state.links[position].macIsKept()
        }
        (state.addresses, state.routes, state.rules) = (try addresses(), try routes(), try rules())
        state.neighbours = try fixedNeighbours()
        return state
    }

    /// Only the links, and which of them are Wi-Fi: a host may have a million routes.
    public mutating func linkState() throws(NetworkError) -> NetworkState {
        let links = try links()
        // Only Ethernet: the question means nothing to a tunnel's driver.
        let wireless = links.filter { $0.isEthernet && $0.kind == nil && clinux_is_wireless($0.name) }.map(\.index)
        return NetworkState(links: links, wireless: Set(wireless))
    }
}
