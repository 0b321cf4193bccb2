/// Moves the host's connection from one link to another with the same MAC: addresses, routes, rules and static
/// neighbours. Pure.
///
/// Traffic never lacks an address or route: everything is added to the target before it is removed from the source, the
/// IPv4 addresses even before frames arrive there. The reverse of these operations is as gentle, so rolling back a plan
/// that failed half way interrupts nothing either.
struct IdentityMove {
    /// A link as a plan refers to it. A link that the plan creates has an index before it exists.
    struct Place {
        let name: InterfaceName
        let index: UInt32
    }

    private let source: Place
    private let target: Place
    private let addresses: [InterfaceAddress]
    private let routes: [Route]
    private let rules: [Rule]
    private let neighbours: [FixedNeighbour]
    /// Of the routes that the kernel adds by itself, those that somebody has removed from the source.
    private let surplus: [Route]
    /// What the target already has.
    private let existing: [InterfaceAddress]
    private let known: [FixedNeighbour]

    /// - Throws: `unsupported` for a route that can't be moved.
    package init(from source: Place, to target: Place, found: NetworkState) throws(NetworkError) {
        (self.source, self.target) = (source, target)
        let own = found.addresses.filter { $0.link == source.index && !$0.flags.contains(.duplicate) }
        // The kernel inserts a new IPv4 address after those of its scope, and a new IPv6 address before them
        // (`inet_insert_ifa`, net/ipv4/devinet.c; `ipv6_link_dev_addr`, net/ipv6/addrconf.c).
        addresses = own.filter(\.address.isIPv4) + own.filter { !$0.address.isIPv4 }.reversed()
        existing = found.addresses.filter { $0.link == target.index }
        neighbours = found.neighbours.filter { $0.link == source.index }
        known = found.neighbours.filter { $0.link == target.index }
        var made: [Route] = []
        for route in addresses.flatMap({ $0.kernelRoutes(on: source.index) }) where !made.contains(route) {
            made.append(route)
        }
        let leading = found.routes.filter { route in
            route.links.contains(source.index) && !route.isBookkeeping && !made.contains { route.isKernels($0) }
        }
        if let object = leading.first(where: \.usesNexthopObject) { throw Self.refusal(object, source.name) }
        // Routers have to be reachable before routes can use them.
        let isDirect = { (route: Route) in route.gateway == nil && route.nexthops.isEmpty }
        routes = leading.filter(isDirect) + leading.filter { !isDirect($0) }
        rules = found.rules.filter { [$0.input, $0.output].contains(source.name.description) }
        surplus = made.filter { kernel in !found.routes.contains { $0.isKernels(kernel) } }
    }

    /// Whether there is nothing to move.
    var isEmpty: Bool { addresses.isEmpty && routes.isEmpty && rules.isEmpty && neighbours.isEmpty }

    /// The operations that can be done while the source still receives all frames and goes on serving them.
    var before: [NetworkOperation] {
        quieting + added.filter(\.address.isIPv4).map { .add(.address($0), on: target.name) }
            + newNeighbours.map { .add(.neighbour($0), on: target.name) }
    }

    /// The operations left once the target receives the frames.
    var after: [NetworkOperation] {
        added.filter { !$0.address.isIPv4 }.map { .add(.address($0.quiet), on: target.name) }
            + surplus.map { .remove(.route($0.moved(from: source.index, to: target.index)), on: target.name) }
            + routes.map { .add(.route($0.moved(from: source.index, to: target.index)), on: target.name) }
            + rules.map { .add(.rule($0.renamed(from: "\(source.name)", to: "\(target.name)")), on: target.name) }
            + rules.reversed().map { .remove(.rule($0), on: source.name) }
            + routes.reversed().map { .remove(.route($0), on: source.name) }
            + neighbours.reversed().map { .remove(.neighbour($0), on: source.name) }
            + addresses.reversed().map { .remove(.address($0.quiet), on: source.name) }
            + settling
    }

    /// The addresses that the target gets, without those that it has.
    private var added: [InterfaceAddress] {
        addresses.map { $0.moved(from: source, to: target) }.filter { moved in
            !existing.contains { $0.prefix == moved.prefix && $0.peer == moved.peer }
        }
    }

    /// The static neighbours that the target gets, without those for which it has an entry.
    private var newNeighbours: [FixedNeighbour] {
        neighbours.map { $0.moved(to: target.index) }.filter { moved in
            !known.contains { $0.address == moved.address && $0.isProxy == moved.isProxy }
        }
    }

    /// A new IPv6 address can't be used for a second or two, during duplicate address detection. Turning that off
    /// avoids the wait; on the source it is turned off for a rollback.
    private var quieting: [NetworkOperation] {
        addresses.filter { $0.quiet != $0 }.map { .changeAddress(source.name, from: $0, to: $0.quiet) }
    }

    private var settling: [NetworkOperation] {
        added.filter { $0.quiet != $0 }.map { .changeAddress(target.name, from: $0.quiet, to: $0) }
    }

    private static func refusal(_ route: Route, _ source: InterfaceName) -> NetworkError {
        NetworkError(
            .unsupported, subject: source.description, doing: "moving its routes",
            reason: "the route \(route) uses a nexthop object, which can't be moved",
            remedy: "replace it with one that names its router; ip-route(8) says how")
    }
}

extension InterfaceAddress {
    /// The same without duplicate address detection (RFC 4862, 5.4).
    fileprivate var quiet: InterfaceAddress {
        var quiet = self
        if !address.isIPv4 { quiet.flags.insert(.withoutDuplicateDetection) }
        return quiet
    }

    /// The same on another link, with a matching label: `eth0:1` becomes `br0:1`.
    fileprivate func moved(from source: IdentityMove.Place, to target: IdentityMove.Place) -> InterfaceAddress {
        var moved = self
        moved.link = target.index
        if let label, label == source.name.description || label.hasPrefix("\(source.name):") {
            let new = "\(target.name)" + label.dropFirst(source.name.description.utf8.count)
            moved.label = new.utf8.count <= InterfaceName.maximumLength ? new : "\(target.name)"
        }
        return moved
    }
}
