import BridgeNet
import CLinux

extension RouteSocket {
    /// All that the kernel has of the namespace. It is asked for one table after the other.
    public mutating func state() throws(NetworkError) -> NetworkState {
        var state = try linkState()
        for position in state.links.indices where state.links[position].isBridge {
            state.links[position].keepsMAC = state.links[position].macIsKept()
        }
        (state.addresses, state.routes, state.rules) = (try addresses(), try routes(), try rules())
        state.neighbours = try fixedNeighbours()
        return state
    }

    /// The links alone, and which are Wi-Fi: a host may have a million routes.
    public mutating func linkState() throws(NetworkError) -> NetworkState {
        let links = try links()
        // Ethernet alone: a tunnel's driver has no use for the question.
        let wireless = links.filter { $0.isEthernet && $0.kind == nil && clinux_is_wireless($0.name) }.map(\.index)
        return NetworkState(links: links, wireless: Set(wireless))
    }
}
