import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// What has to be done to the host's network for a bridge to be as asked, computed and not yet done.
package struct BridgeChange: Sendable {
    /// The bridge that it is about.
    package let bridge: InterfaceName
    /// What the user should know.
    package internal(set) var notices: [String] = []
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
        let uplink = wanted.uplink.flatMap { found.link(called: $0) }
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

    /// What is written down of neighbours of a bridge that gets another address.
    private var rewritten: [FixedNeighbour] {
        operations.compactMap { if case .remove(.neighbour(let neighbour), bridge) = $0 { neighbour } else { nil } }
    }

    /// Whether all is as it should be.
    package var isEmpty: Bool { operations.isEmpty }

    /// Each step in words.
    package var steps: [String] { operations.map(\.description) }

    /// How many things are moved to the bridge, or to its uplink, in words: `3 addresses, 5 routes, 1 rule,
    /// 2 neighbours`.
    package var moved: String {
        var counts = (addresses: 0, routes: 0, rules: 0, neighbours: 0)
        for case .add(let entry, _) in operations {
            switch entry {
            case .address: counts.addresses += 1
            case .route: counts.routes += 1
            case .rule: counts.rules += 1
            // Those that a bridge is given again with another address have not moved.
            case .neighbour(let neighbour): if !rewritten.contains(neighbour) { counts.neighbours += 1 }
            default: continue
            }
        }
        func words(_ count: Int, _ one: String, _ many: String) -> String? {
            count == 0 ? nil : "\(count) \(count == 1 ? one : many)"
        }
        return [
            words(counts.addresses, "address", "addresses"), words(counts.routes, "route", "routes"),
            words(counts.rules, "rule", "rules"), words(counts.neighbours, "neighbour", "neighbours"),
        ].compactMap(\.self).joined(separator: ", ")
    }

    /// What kept a change from being made.
    struct Failure: Error {
        var error: VMError
        /// Whether all is as before; else the journal has to stay.
        var isUndone: Bool
    }

    /// Does it. On a failure what was done is undone; and if this process is killed half-way, or the kernel refuses that too,
    /// root's next command undoes it; or completes it, from the first step on that can't be undone.
    package func carryOut(_ paths: Paths) throws(VMError) {
        guard !isEmpty else { return }
        let journal = try ChangeJournal.begin(try record([]), in: paths)
        do throws(Failure) {
            try perform(undoable)
            do throws(VMError) { try journal.commit() } catch {
                // Nothing would keep the next command from undoing it.
                throw takenBack(error)
            }
        } catch {
            if error.isUndone { journal.close() }
            throw error.error
        }
        try finish()
        journal.close()
    }

    /// Does it on trial: unless it is confirmed in time, and for as long as the routers that answer now go on to do so,
    /// all goes back.
    package func begin(trialFor limit: Duration, _ paths: Paths) throws(VMError) -> Trial {
        let answering = try Bridges.routing { (_) throws(NetworkError) in try answeringGateways() }
        var record = try record(answering)
        record.end = BootClock.seconds + limit.components.seconds
        let journal = try ChangeJournal.begin(record, in: paths)
        let path = paths.networkChanges.appending(bridge.description)
        return try Trial(journal, at: path, limit: limit) { () throws(Failure) in try perform(undoable) }
    }

    /// The steps up to the first that can't be undone: from there on there is only the way ahead.
    private var undoable: [NetworkOperation] { Array(operations.prefix { $0.inverse != nil }) }
    private var rest: [NetworkOperation] { Array(operations.dropFirst(undoable.count)) }

    private func perform(_ operations: [NetworkOperation]) throws(Failure) {
        do throws(NetworkError) {
            var socket = try RouteSocket()
            try socket.perform(operations)
        } catch {
            throw Failure(error: VMError(error), isUndone: error.notUndone.isEmpty)
        }
    }

    private func takenBack(_ error: VMError) -> Failure {
        var failure = Failure(error: error, isUndone: false)
        do throws(NetworkError) {
            var socket = try RouteSocket()
            let left = socket.perform(NetworkScript(undoing: undoable))
            failure.error.details += left.map { "could not be undone: \($0)" }
            failure.isUndone = left.isEmpty
        } catch { failure.error.details.append("could not be undone: \(error)") }
        return failure
    }

    /// A kernel that is short of memory for one message may have it for the next.
    private func finish() throws(VMError) {
        guard !rest.isEmpty else { return }
        var attempts = 3
        while true {
            let failures: [NetworkError]
            do throws(NetworkError) {
                var socket = try RouteSocket()
                failures = socket.perform(NetworkScript(carryingOut: rest))
            } catch { failures = [error] }
            guard let failure = failures.first else { return }
            attempts -= 1
            guard failure.isPassing, attempts > 0 else {
                var error = VMError(failure)
                error.remedy = "all else is done, and root's next kvmctl command completes it"
                throw error
            }
        }
    }

    private func answeringGateways() throws(NetworkError) -> [IPAddress] {
        var answering: [IPAddress] = []
        for link in Set(gateways.map(\.link)) {
            let here = gateways.filter { $0.link == link }.map(\.address)
            answering += try GatewayWatch.answering(here, link: link, limit: .seconds(2))
        }
        return answering
    }

    private func record(_ gateways: [IPAddress]) throws(VMError) -> ChangeRecord {
        ChangeRecord(
            bridge: bridge, identity: identity, gateways: gateways, undo: NetworkScript(undoing: undoable),
            finish: NetworkScript(carryingOut: rest), place: try .current())
    }
}
