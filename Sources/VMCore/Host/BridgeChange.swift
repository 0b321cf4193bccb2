public import BridgeNet
import SystemPackage

/// What has to be done to the host's network for a bridge to be as asked, computed and not yet done.
public struct BridgeChange: Sendable {
    /// The bridge that it is about.
    public let bridge: InterfaceName
    /// What the user should know.
    public internal(set) var notices: [String] = []
    private let operations: [NetworkOperation]
    /// What the bridge is known by from the first step to the last.
    private let identity: BridgeIdentity
    /// The routers of the links that change, and the link that each is on now.
    private var gateways: [(address: IPAddress, link: UInt32)] = []

    init(_ bridge: InterfaceName, _ operations: [NetworkOperation], found: NetworkState) {
        (self.bridge, self.operations) = (bridge, operations)
        identity = BridgeIdentity(bridge, through: operations, found: found)
    }

    /// A bridge made as wanted.
    init(_ wanted: ConnectedBridge, found: NetworkState) throws(NetworkError) {
        self.init(wanted.bridge.name, try UplinkPlan.up(wanted, found: found), found: found)
        let uplink = wanted.uplink.flatMap { found.link(named: $0) }
        let links: Set<UInt32> = Set([identity.link] + (uplink.map { [$0.index] } ?? []))
        for route in found.routes where route.isDefault {
            if let gateway = route.gateway, let link = route.links.first(where: links.contains) {
                gateways.append((gateway, link))
            }
        }
        if let uplink, !operations.isEmpty {
            notices = found.addresses.filter { $0.link == uplink.index && $0.address.isIPv4 && $0.isDynamic }.map {
                "\($0) is leased, and the program that renews the lease still looks at \(uplink.name): "
                    + "\(command: "kvmctl net persist \(bridge)") tells it"
            }
        }
    }

    /// Whether all is as it should be.
    public var isEmpty: Bool { operations.isEmpty }

    /// Each step in words.
    public var steps: [String] { operations.map(\.description) }

    /// How many things are moved to the bridge, or to its uplink, in words: `3 addresses, 5 routes, 1 rule`.
    public var moved: String {
        var counts = (addresses: 0, routes: 0, rules: 0)
        for case .add(let entry, _) in operations {
            switch entry {
            case .address: counts.addresses += 1
            case .route: counts.routes += 1
            case .rule: counts.rules += 1
            default: continue
            }
        }
        func words(_ count: Int, _ one: String, _ many: String) -> String? {
            count == 0 ? nil : "\(count) \(count == 1 ? one : many)"
        }
        return [
            words(counts.addresses, "address", "addresses"), words(counts.routes, "route", "routes"),
            words(counts.rules, "rule", "rules"),
        ].compactMap(\.self).joined(separator: ", ")
    }

    /// Does it. On a failure what was done is undone; and if this process is killed half-way, the next command of root's
    /// undoes it.
    public func carryOut(_ paths: Paths) throws(VMError) {
        guard !isEmpty else { return }
        // From the first step that can't be taken back there is only the way ahead.
        let end = operations.firstIndex { $0.inverse == nil } ?? operations.count
        let journal = try ChangeJournal.begin(try record([], undoing: Array(operations[..<end])), in: paths)
        do throws(VMError) { try perform(operations[..<end]) } catch {
            journal.keep()
            throw error
        }
        journal.keep()
        try perform(operations[end...])
    }

    /// Does it on trial: unless it is confirmed in time, and for as long as the routers that answer now go on to do so,
    /// all goes back.
    public func begin(trialFor limit: Duration, _ paths: Paths) throws(VMError) -> Trial {
        let answering = try Bridges.routing { (_) throws(NetworkError) in try answeringGateways() }
        var record = try record(answering, undoing: operations)
        record.end = BootClock.seconds + limit.components.seconds
        let journal = try ChangeJournal.begin(record, in: paths)
        let path = paths.networkChanges.appending(bridge.description)
        return try Trial(journal, at: path, limit: limit) { () throws(VMError) in try perform(operations[...]) }
    }

    private func perform(_ operations: ArraySlice<NetworkOperation>) throws(VMError) {
        try Bridges.routing { (socket) throws(NetworkError) in try socket.perform(Array(operations)) }
    }

    private func answeringGateways() throws(NetworkError) -> [IPAddress] {
        var answering: [IPAddress] = []
        for link in Set(gateways.map(\.link)) {
            let here = gateways.filter { $0.link == link }.map(\.address)
            answering += try GatewayWatch.answering(here, link: link, limit: .seconds(2))
        }
        return answering
    }

    private func record(_ gateways: [IPAddress], undoing operations: [NetworkOperation]) throws(VMError) -> ChangeRecord
    {
        ChangeRecord(
            bridge: bridge, identity: identity, gateways: gateways, undo: UndoScript(for: operations),
            place: try .current())
    }
}
