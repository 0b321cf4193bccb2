/// The addresses and default routes that the host gets on a bridge, besides those that it takes over from its uplink.
/// Pure.
struct AddressPlan {
    private let wanted: ConnectedBridge
    private let place: IdentityMove.Place
    private let found: NetworkState
    /// The addresses that the bridge has, or takes over from its uplink.
    private let present: [InterfaceAddress]
    /// The links whose routes are the bridge's, or become so.
    private let links: Set<UInt32>

    package init(_ wanted: ConnectedBridge, _ place: IdentityMove.Place, _ found: NetworkState, moving uplink: Link?) {
        (self.wanted, self.place, self.found) = (wanted, place, found)
        let links = Set([place.index] + (uplink.map { [$0.index] } ?? []))
        self.links = links
        present = found.addresses.filter { links.contains($0.link) }
    }

    /// The operations needed.
    ///
    /// - Throws: `invalid` for a gateway that is in none of the bridge's networks, `busy` if another default route
    ///   would compete with the wanted one.
    func operations() throws(NetworkError) -> [NetworkOperation] { addresses + (try defaultRoutes()) }

    private var addresses: [NetworkOperation] {
        wanted.addresses.filter { prefix in !present.contains { $0.prefix == prefix } }.map { prefix in
            let address = InterfaceAddress(prefix, link: place.index, label: place.name.description)
            return .add(.address(address), on: place.name)
        }
    }

    private func defaultRoutes() throws(NetworkError) -> [NetworkOperation] {
        var operations: [NetworkOperation] = []
        for gateway in wanted.gateways {
            let isOnLink = try isBeyondNetworks(gateway)
            let defaults = found.routes.filter { $0.isDefault && $0.family == gateway.family }
            if defaults.contains(where: { $0.gateway == gateway && !$0.links.isDisjoint(with: links) }) { continue }
            let route = Route(defaultVia: gateway, link: place.index, isOnLink: isOnLink)
            // The metric of a route for which none was given; for IPv6, IP6_RT_PRIO_USER.
            let metric: UInt32 = gateway.isIPv4 ? 0 : 1024
            if let other = defaults.first(where: { $0.metric == metric }) { throw conflict(gateway, other) }
            operations.append(.add(.route(route), on: place.name))
        }
        return operations
    }

    /// Whether a gateway is reachable although it is in none of the bridge's networks. A host with a /32 or /128
    /// address has no network that it could be in, as with hosting providers that route single addresses.
    ///
    /// - Throws: `invalid` for the host's own address, and for one that can't be reached.
    private func isBeyondNetworks(_ gateway: IPAddress) throws(NetworkError) -> Bool {
        let prefixes = (present.map(\.prefix) + wanted.addresses).filter { $0.address.family == gateway.family }
        if prefixes.contains(where: { $0.address == gateway }) {
            throw refusal(.invalid, gateway, "that is the host's own address", remedy: "give the router's address")
        }
        if prefixes.contains(where: { $0.contains(gateway) }) || gateway.isLinkLocal && !gateway.isIPv4 { return false }
        if prefixes.contains(where: { $0.length == gateway.family.bits }) { return true }
        throw refusal(
            .invalid, gateway, "the bridge has no address in its network",
            remedy: """
                give the bridge an address in its network, or one of /\(gateway.family.bits) if the host has only a \
                single address
                """)
    }

    private func conflict(_ gateway: IPAddress, _ other: Route) -> NetworkError {
        let names = found.links.filter { other.links.contains($0.index) }.map { " dev \($0.name)" }.joined()
        return refusal(
            .busy, gateway, "there is a default route already: \(other)\(names)",
            remedy:
                "set no gateway; or delete that route first, on the host's console, because that cuts its connections"
        )
    }

    private func refusal(
        _ code: NetworkError.Code, _ gateway: IPAddress, _ reason: String, remedy: NetworkError.Remedy
    ) -> NetworkError {
        NetworkError(
            code, subject: place.name.description, doing: "making \(gateway) the gateway", reason: reason,
            remedy: remedy)
    }
}
