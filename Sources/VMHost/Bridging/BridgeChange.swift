import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore

/// The steps that bring a bridge into the requested state. Computed, not yet carried out.
package struct BridgeChange: Sendable {
    /// The bridge to be changed.
    package let bridge: InterfaceName
    /// Warnings for the user.
    package internal(set) var notices: [String] = []
    private let operations: [NetworkOperation]
    /// What identifies the bridge from the first step to the last.
    private let identity: BridgeIdentity
    /// The gateways on the links that change, each with its present link.
    private var gateways: [(address: IPAddress, link: UInt32)] = []

    init(_ bridge: InterfaceName, _ operations: [NetworkOperation], found: NetworkState) {
        (self.bridge, self.operations) = (bridge, operations)
        identity = BridgeIdentity(bridge, through: operations, found: found)
    }

    /// Creates a bridge, or changes it, to match `wanted`.
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
                "\($0) is leased, and the DHCP client that renews the lease still uses \(uplink.name): "
                    + "\(command: "kvmctl net persist \(bridge)") reconfigures it"
            }
        }
    }

    /// The fixed neighbours that are added again because the bridge gets another address.
    private var rewritten: [FixedNeighbour] {
        operations.compactMap { if case .remove(.neighbour(let neighbour), bridge) = $0 { neighbour } else { nil } }
    }

    /// Whether there is nothing to do.
    package var isEmpty: Bool { operations.isEmpty }

    /// Each step, for people.
    package var steps: [String] { operations.map(\.description) }

    /// How much moves to the bridge, or to its uplink, for people: `3 addresses, 5 routes, 1 rule, 2 neighbours`.
    package var moved: String {
        var counts = (addresses: 0, routes: 0, rules: 0, neighbours: 0)
        for case .add(let entry, _) in operations {
            switch entry {
            case .address: counts.addresses += 1
            case .route: counts.routes += 1
            case .rule: counts.rules += 1
            // A neighbour that a bridge gets back along with its new address has not moved.
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

    /// Why a change was not made.
    struct Failure: Error {
        var error: VMError
        /// Whether everything was rolled back. If not, the journal has to stay.
        var isUndone: Bool
    }

    /// Carries out the change. On failure it is rolled back. If this process is killed half-way, or the kernel refuses
    /// the rollback too, root's next command rolls the change back, or completes it if a step was reached that can't be
    /// undone.
    package func carryOut(_ paths: Paths) throws(VMError) {
        guard !isEmpty else { return }
        let journal = try ChangeJournal.begin(try record([]), in: paths)
        do throws(Failure) {
            try perform(undoable)
            do throws(VMError) { try journal.commit() } catch {
                // Without that line the next command would roll it back.
                throw takenBack(error)
            }
        } catch {
            if error.isUndone { journal.close() }
            throw error.error
        }
        try finish()
        journal.close()
    }

    /// Carries out the change on trial: it is rolled back unless it is confirmed in time, and as soon as a gateway that
    /// answers now stops answering.
    package func begin(trialFor limit: Duration, _ paths: Paths) throws(VMError) -> Trial {
        let answering = try Bridges.routing { (_) throws(NetworkError) in try answeringGateways() }
        var record = try record(answering)
        record.end = BootClock.seconds + limit.components.seconds
        let journal = try ChangeJournal.begin(record, in: paths)
        let path = paths.networkChanges.appending(bridge.description)
        return try Trial(journal, at: path, limit: limit) { () throws(Failure) in try perform(undoable) }
    }

    /// The steps before the first one that can't be undone. From there on the change can only be completed.
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

    /// Carries out the steps that can't be undone. It retries: a kernel that is short of memory may have some a moment
    /// later.
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
                error.remedy = "the rest is done, and root's next kvmctl command completes this step"
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
