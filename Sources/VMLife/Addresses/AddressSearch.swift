import BridgeKernel
import BridgeNet
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Finds the IP addresses of a running VM's guest: asks the guest agent, kvmctl's own DHCP server and the host's
/// neighbour table, and listens on the VM's interfaces from its creation on.
package final class AddressSearch {
    /// The most descriptors that a search has open: a listener for each NIC (at most eight), and those of one query.
    package static let descriptors = 12

    private let vm: Machine
    private let wish: AddressFilter
    private let manifest: Manifest
    private let nics: [SearchedNIC]
    /// The guest agent's latest answer.
    private var told = AddressBook()
    /// What the neighbour table and the DHCP leases say about the guest.
    private var remembered = AddressBook()
    /// Each source's latest answer, for people.
    private var answers: [AddressReport.Answer.Source: String] = [:]

    /// Starts listening.
    ///
    /// - Throws: `.busy` if the VM is not running, `.notFound` if it has no such NIC.
    init(_ vm: Machine, wish: AddressFilter) throws(VMError) {
        (self.vm, self.wish) = (vm, wish)
        manifest = try vm.runningManifest(or: "it has no address", telling: "its NICs are")
        let links = try Bridges.routing { (socket) throws(NetworkError) in try socket.links() }
        nics = manifest.vm.nics.filter { (wish.nic ?? $0.index) == $0.index }.compactMap {
            SearchedNIC($0, among: links)
        }
        if nics.isEmpty { throw Self.noNIC(of: vm, wish.nic) }
    }

    /// What is known now; with a deadline, what is known once a wanted address is found or the deadline has passed. If
    /// no source is sure, the guest itself is probed, which takes up to a second.
    ///
    /// - Throws: `.busy` if the VM ends during the wait.
    package func report(waitingUntil deadline: Deadline?) throws(VMError) -> AddressReport {
        askAgent(patience: .seconds(1))
        try askTables()
        listen(for: .zero)
        if !isSure, try askGuest() { listenUntilSure(by: Deadline(in: .milliseconds(700))) }
        while let deadline, !isSure, !deadline.hasPassed {
            listenUntilSure(by: Deadline(in: min(Self.round, deadline.remaining)))
            guard try vm.observe().isAlive else { throw ended }
            try askTables()
            // A source asked with no time left would look silent.
            guard !isSure, !deadline.hasPassed else { continue }
            askAgent(patience: .seconds(1))
            if !isSure { _ = try askGuest() }
        }
        return report
    }

    // For those who wait for other things too.

    /// Become readable when there are frames to take in.
    var listening: [CInt] { nics.compactMap { $0.listener?.descriptor } }

    /// Takes in what has been heard, without waiting.
    func takeIn() { listen(for: .zero) }

    /// Asks every source once, and waits for none that does not answer at once.
    func askAll() throws(VMError) {
        askAgent(patience: .milliseconds(700))
        try askTables()
        takeIn()
        if !isSure { _ = try askGuest() }
    }

    /// Whether what was asked for is known, and what is known.
    var found: (isSure: Bool, report: AddressReport) { (isSure, report) }

    /// How long a wait only listens before the sources are asked again.
    private static let round = Duration.seconds(2)
    private static let settling = Duration.milliseconds(250)

    private func askAgent(patience: Duration) {
        let deadline = Deadline(in: patience)
        told = AddressBook()
        do throws(GuestAgent.Failure) {
            var agent = try vm.agent(by: deadline)
            let interfaces = try agent.execute(.interfaces, by: deadline)
            let macs = Dictionary(nics.map { ($0.index, $0.mac) }, uniquingKeysWith: { first, _ in first })
            let found = interfaces.addresses(onNICs: macs)
            for (nic, address) in found { told.add(address, of: nic, from: .agent) }
            answers[.agent] = found.isEmpty ? "it reports no address on the VM's NICs" : "it answers"
        } catch {
            answers[.agent] = error.cause
        }
    }

    private func askTables() throws(VMError) {
        let entries = try Bridges.routing { (socket) throws(NetworkError) in try socket.neighbours() }
        remembered = AddressBook()
        for nic in nics {
            for entry in entries where nic.isWhere(entry) {
                remembered.add(entry.address, of: nic.index, from: .neighbour)
            }
        }
        answers[.neighbours] = remembered.isEmpty ? "the host has not talked to the guest" : "it lists the guest"
        for nic in nics {
            if let address = nic.reserved { remembered.add(address, of: nic.index, from: .lease) }
        }
    }

    /// Probes the guest for its addresses, on its own interface, if it has sent anything. False if it could not be
    /// probed.
    private func askGuest() throws(VMError) -> Bool {
        // A paused guest would receive the probes when it resumes.
        guard state == .running else { return false }
        let hosts = try Bridges.routing { (socket) throws(NetworkError) in try socket.addresses() }
        let candidates = addresses.filter { !$0.isConfirmed }
        return nics.filter { nic in
            let own = candidates.filter { $0.nic == nic.index }.map(\.address)
            return nic.packetsFromGuest ?? 1 > 0 && nic.ask(own, hosts: hosts) { listen(for: .milliseconds(20)) }
        }.isEmpty == false
    }

    private func listenUntilSure(by deadline: Deadline) {
        // An address that was just given, or claimed, begins to count without another frame.
        while !isSure, !deadline.hasPassed { listen(for: min(Self.settling, deadline.remaining)) }
    }

    /// Reads the frames that pass the interfaces, waiting up to `duration` for one.
    private func listen(for duration: Duration) {
        let listeners = nics.compactMap(\.listener)
        var set = listeners.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        let limit = CInt(clamping: duration.wholeMilliseconds)
        if set.isEmpty { pause(duration) } else { poll(&set, nfds_t(set.count), limit) }
        for listener in listeners { listener.takeIn() }
    }

    private var state: VMState { vm.observe().state }

    private var isSure: Bool { wish.isSatisfied(by: addresses, canHear: canHear) }

    private var canHear: Bool { nics.contains { $0.listener != nil } }

    /// What is known now, from all sources.
    private var addresses: [GuestAddress] {
        var book = told
        book.add(remembered)
        for nic in nics {
            for (address, sources) in nic.listener?.addresses ?? [:] {
                for source in sources { book.add(address, of: nic.index, from: source) }
            }
        }
        return book.addresses { index in nics.first { $0.index == index }?.bridge?.name }
    }

    private var report: AddressReport {
        let all = addresses
        return AddressReport(
            vm: vm.name, wish: wish, state: state, all: all,
            nics: nics.map { nic in AddressReport.NIC(nic, all.filter { $0.nic == nic.index }, manifest.vm.forwards) },
            answers: AddressReport.Answer.Source.allCases.compactMap { source in
                answers[source].map { AddressReport.Answer(source: source, text: $0) }
            },
            canHear: canHear, forwards: manifest.vm.forwards)
    }

    private var ended: VMError {
        VMError(
            .busy, vm.name.description, "it ended before it had an address",
            remedy: "see why: \(command: "kvmctl logs --qemu \(vm.name)"), \(command: "kvmctl logs \(vm.name)")")
    }

    private static func noNIC(of vm: Machine, _ index: Int?) -> VMError {
        VMError(
            .notFound, vm.name.description, index.map { "it runs without a NET\($0)" } ?? "it runs without a NIC",
            remedy: "add one to \(vm.file), such as NET\(index ?? 0)=bridge:br0, and restart it")
    }
}
