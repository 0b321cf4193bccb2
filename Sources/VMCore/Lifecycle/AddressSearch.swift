import BridgeNet
import Glibc
import SystemPackage

/// Looks for the addresses of a running VM's guest: asks the guest agent, kvmctl's own DHCP server and the host's
/// neighbour table, and listens at the VM's interfaces from the moment that it is made.
public final class AddressSearch {
    private let vm: VMReference
    private let wish: AddressWish
    private let directory: RuntimeDirectory
    private let paths: Paths
    private let manifest: Manifest
    private let nics: [SearchedNIC]
    private var book = AddressBook()
    /// What each source said last.
    private var answers: [AddressReport.Answer.Source: String] = [:]

    /// Begins to listen.
    ///
    /// - Throws: `.busy` if the VM does not run, `.notFound` without the NIC that is asked for.
    public init(_ vm: VMReference, wish: AddressWish, paths: Paths) throws(VMError) {
        (self.vm, self.wish, self.paths) = (vm, wish, paths)
        directory = RuntimeDirectory(vm.name, in: paths)
        manifest = try directory.runningManifest(of: vm)
        let links = try Self.routing { (socket) throws(NetworkError) in try socket.links() }
        nics = manifest.nics.filter { [wish.nic ?? $0.index] == [$0.index] }.compactMap {
            SearchedNIC($0, among: links)
        }
        if nics.isEmpty { throw Self.noNIC(of: vm, wish.nic) }
    }

    /// What is known now; where a wait is wanted, what is known as soon as an address that was asked for is, or at the
    /// deadline. A guest that nobody knows for sure is asked itself, which takes up to a second.
    ///
    /// - Throws: `.busy` if the VM ends meanwhile.
    public func report(waitingUntil deadline: Deadline?) throws(VMError) -> AddressReport {
        askAgent(patience: .seconds(1))
        try askTables()
        listen(for: .zero)
        if !report.isSure { try askGuest(patience: .milliseconds(700)) }
        while let deadline, !report.isSure, !deadline.hasPassed {
            let round = Deadline(in: min(Self.round, deadline.remaining))
            while !round.hasPassed, !report.isSure { listen(for: round.remaining) }
            guard Observation(vm.name, in: paths).state.isAlive else { throw ended }
            try askTables()
            if !report.isSure { askAgent(patience: min(.milliseconds(500), deadline.remaining)) }
            if !report.isSure { try askGuest(patience: .zero) }
        }
        return report
    }

    /// How long a wait only listens before it asks again.
    private static let round = Duration.seconds(2)

    private func askAgent(patience: Duration) {
        let deadline = Deadline(in: patience)
        do throws(GuestAgent.Failure) {
            var agent = try GuestAgent.open(directory, by: deadline)
            let answer = try agent.execute(QMPCommand("guest-network-get-interfaces"), by: deadline)
            let macs = Dictionary(nics.map { ($0.index, $0.mac) }, uniquingKeysWith: { first, _ in first })
            let found = AgentInterfaces.addresses(in: answer, nics: macs)
            for (nic, address) in found { book.add(address, of: nic, from: .agent) }
            answers[.agent] = found.isEmpty ? "it names no address on a NIC of the VM" : "it answers"
        } catch {
            answers[.agent] = error.cause
        }
    }

    private func askTables() throws(VMError) {
        let entries = try Self.routing { (socket) throws(NetworkError) in try socket.neighbours() }
        var isKnown = false
        for nic in nics {
            for entry in entries where nic.isWhere(entry) {
                book.add(entry.address, of: nic.index, from: .neighbour)
                isKnown = true
            }
        }
        answers[.neighbours] = isKnown ? "it has the guest" : "the host has not talked to the guest"
    }

    /// Asks a guest that has been heard, or remembered, for its addresses, on its own interface.
    private func askGuest(patience: Duration) throws(VMError) {
        // One that stands still would find the questions when it goes on.
        guard [.running, .unresponsive].contains(Observation(vm.name, in: paths).state) else { return }
        let hosts = try Self.routing { (socket) throws(NetworkError) in try socket.addresses() }
        for nic in nics where nic.packetsFromGuest ?? 1 > 0 {
            let remembered = book.addresses { _ in nil }.filter { $0.nic == nic.index && !$0.isConfirmed }
            nic.ask(remembered.map(\.address), hosts: hosts) { listen(for: .milliseconds(20)) }
        }
        let deadline = Deadline(in: patience)
        while !report.isSure, !deadline.hasPassed { listen(for: deadline.remaining) }
    }

    /// Takes in what passes the interfaces, waiting so long for something to.
    private func listen(for duration: Duration) {
        let deadline = Deadline(in: duration)
        var set = nics.compactMap(\.listener).map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        if set.isEmpty { pause(duration) } else { poll(&set, nfds_t(set.count), deadline.milliseconds) }
        for nic in nics {
            for (address, sources) in nic.listener?.heard().addresses ?? [:] {
                for source in sources { book.add(address, of: nic.index, from: source) }
            }
        }
    }

    private var report: AddressReport {
        let all = book.addresses { index in nics.first { $0.index == index }?.bridge?.name }
        return AddressReport(
            vm: vm.name, wish: wish, state: Observation(vm.name, in: paths).state, all: all,
            nics: nics.map { nic in
                AddressReport.NIC(nic, all.filter { $0.nic == nic.index }, manifest.forwards)
            },
            answers: AddressReport.Answer.Source.allCases.compactMap { source in
                answers[source].map { AddressReport.Answer(source: source, text: $0) }
            },
            canHear: nics.contains { $0.listener != nil }, forwards: manifest.forwards)
    }

    private var ended: VMError {
        VMError(
            .busy, vm.name.description, "it has ended before it had an address",
            remedy: "see why: `kvmctl logs --qemu \(vm.name)`, `kvmctl logs \(vm.name)`")
    }

    private static func noNIC(of vm: VMReference, _ index: Int?) -> VMError {
        VMError(
            .notFound, vm.name.description, index.map { "it runs without a NET\($0)" } ?? "it runs without a NIC",
            remedy: "give it one in \(vm.file), such as `NET\(index ?? 0)=bridge:br0`, and restart it")
    }

    private static func routing<Result>(
        _ body: (inout RouteSocket) throws(NetworkError) -> Result
    ) throws(VMError) -> Result {
        do throws(NetworkError) {
            var socket = try RouteSocket()
            return try body(&socket)
        } catch {
            throw VMError(error)
        }
    }
}

extension RuntimeDirectory {
    /// What the running VM was started as.
    ///
    /// - Throws: `.busy` if it does not run, `.denied` if the caller may not know.
    fileprivate func runningManifest(of vm: VMReference) throws(VMError) -> Manifest {
        guard let holder = try? openLockIfThere()?.isLocked(0), holder, isRunning(vm.file) else {
            throw VMError(
                .busy, name.description, "it is not running, so it has no address",
                remedy: "start it: `kvmctl start \(name)`")
        }
        guard let manifest = Manifest(reading: manifestFile) else {
            throw VMError(
                .busy, name.description, "it is just being started", remedy: "try again in a moment")
        }
        return manifest
    }
}
