import CLinux

extension RouteSocket {
    /// All that the kernel has of the namespace. It is asked for one table after the other.
    public mutating func state() throws(NetworkError) -> NetworkState {
        let links = try links()
        // Ethernet alone: a tunnel's driver has no use for the question.
        let wireless = links.filter { $0.isEthernet && $0.kind == nil && clinux_is_wireless($0.name) }.map(\.index)
        return NetworkState(
            links: links, addresses: try addresses(), routes: try routes(), rules: try rules(),
            wireless: Set(wireless))
    }
}
