import BridgeKernel
import BridgeNet
import Glibc
import SystemPackage
import VMCore

/// The network `nat` on this host: a bridge with an address, dnsmasq, a table of nftables, and the host's forwarding.
///
/// ```
/// RUN/nat/hosts/VM     the addresses of a VM's NICs, for dnsmasq's DHCP
///         names/VM     its name, for dnsmasq's DNS
///         leases       what dnsmasq gave
///         dnsmasq.pid
///         start        the line for a shell that starts dnsmasq, for whom the doctor tells so
/// ```
package struct NATNetwork {
    let paths: Paths
    /// The bridge's name.
    let bridge: InterfaceName

    package init(paths: Paths, bridge: InterfaceName) {
        self.paths = paths
        self.bridge = bridge
    }

    private var directory: FilePath { paths.run.appending("nat") }
    private var daemon: Daemon { Daemon(pidFile: directory.appending("dnsmasq.pid")) }

    /// The holds on the network, and on what one VM has there.
    @frozen package struct Joined: ~Copyable {
        package let network: OwnedDescriptor
        package let lease: OwnedDescriptor
        /// The VM with the addresses that it got.
        package let member: NATMember
    }

    /// Takes a VM in; makes the network, where it is not there.
    package func join(_ wanted: NATMember) throws(VMError) -> Joined {
        var member = wanted
        var lease: OwnedDescriptor?
        let network = try HostResource("nat", in: paths).hold(for: wanted.name) { (journal) throws(VMError) in
            let account = try ServerAccount()
            let prefix = try provide(&journal, account)
            // With the network's turn held, so that no two VMs choose the same address.
            let own = HostResource("nat.\(member.name)", in: paths)
            let held = try own.hold(for: wanted.name) { (journal) throws(VMError) in
                try settle(&member, in: prefix, account, &journal)
            }
            lease = consume held
        }
        guard let lease = lease.take() else { throw VMError(.bug, "nat", "was joined without a lease") }
        return Joined(network: network, lease: lease, member: member)
    }

    /// The network as it is, or as it would be made.
    package func survey() throws(VMError) -> NATSurvey {
        // What a user may have here is not where root's is.
        if geteuid() == 0 { try ServerAccount().refuseClosed(above: paths.run) }
        let networks = try HostNetworks(bridge)
        let prefix = try networks.ownOrFreePrefix()
        return NATSurvey(
            plain: NATFacts(
                prefix: prefix, mtu: networks.bridge?.mtu ?? networks.outsideMTU,
                isForwarding: try Sysctl.forwarding.value() != "0", members: try members(),
                isNamePortTaken: try isNamePortTaken(at: prefix.address),
                isLeasePortTaken: try isTaken(HostPort(.udp, "", NATServer.leasePort), sharing: true)),
            lines: try addressLines())
    }

    /// Names are asked for over both.
    private func isNamePortTaken(at address: IPAddress) throws(VMError) -> Bool {
        for transport in [PortForward.Transport.tcp, .udp] {
            if try isTaken(HostPort(transport, address.description, NATServer.namePort)) { return true }
        }
        return false
    }

    /// Whether somebody else has a port that its server needs; only root may try. Ours, which another command may be
    /// starting or ending just now, begins when the bridge is there and ends before it goes.
    ///
    /// - Parameter sharing: whether the server shares it with others that do so too.
    private func isTaken(_ port: HostPort, sharing: Bool = false) throws(VMError) -> Bool {
        func isTaken() -> Bool {
            PortProbe.obstacle(to: port, maybeNotYet: true, sharing: sharing) == .addressInUse
        }
        guard geteuid() == 0, isTaken() else { return false }
        let own = try Bridges.routing { (socket) throws(NetworkError) in try socket.link(named: bridge) }
        return own == nil && isTaken()
    }

    /// The VMs on it.
    private func members() throws(VMError) -> [VMName] {
        try Self.names(in: NATServer.names(in: directory)).compactMap { VMName($0) }
    }

    /// The names in a directory; none where there is no such directory.
    private static func names(in directory: FilePath) throws(VMError) -> [String] {
        do throws(Errno) { return try VMHost.names(in: directory) ?? [] } catch {
            throw .system(error, directory.string, "can't be looked into")
        }
    }

    /// Sees to it that all of the network is there, also where a part of it was taken away or died.
    private func provide(_ journal: inout ResourceJournal, _ account: ServerAccount) throws(VMError) -> IPPrefix {
        try makeDirectory(&journal, account)
        let survey = try HostNetworks(bridge)
        let prefix = try survey.ownOrFreePrefix()
        let mtu = survey.bridge?.mtu ?? survey.outsideMTU
        try PrivateBridge(name: bridge, network: "nat", mtu: mtu).provide(&journal)
        if survey.prefix == nil { try add(prefix) }
        if try Sysctl.forwarding.value() == "0" {
            try Self.noteSideEffects(&journal)
            try journal.note(.forwarding(for: bridge))
            try Sysctl.forwarding.set("1")
        }
        // Each time, for somebody may have flushed all rules since.
        let rules = NATRules.network(prefix, bridge: bridge)
        try RuleTable(family: "ip", name: NATRules.table, script: rules).make(noting: &journal, in: paths, for: "nat")
        try journal.note(.daemon(daemon))
        // One that served a bridge that somebody deleted does not serve the new one.
        if survey.bridge == nil { try daemon.end() }
        if try !daemon.isRunning() {
            try serve(
                NATServer(
                    bridge: bridge, prefix: prefix, mtu: mtu, directory: directory, user: account.user,
                    group: account.group))
        }
        return prefix
    }

    /// To switch forwarding off again makes the host accept redirects, and switches it off for every interface that had it on
    /// alone (`inet_forward_change`, net/ipv4/devinet.c): noted before it, these are put right after it.
    private static func noteSideEffects(_ journal: inout ResourceJournal) throws(VMError) {
        let all = "net/ipv4/conf"
        let redirects = Sysctl(key: "\(all)/all/accept_redirects")
        if let was = try redirects.value(), was != "1" { try journal.note(.setting(redirects, was: was, now: "1")) }
        for interface in try names(in: FilePath("/proc/sys").appending(all)) where interface != "all" {
            let forwarding = Sysctl(key: "\(all)/\(interface)/forwarding")
            if try forwarding.value() == "1" { try journal.note(.setting(forwarding, was: "1", now: "0")) }
        }
    }

    private func add(_ prefix: IPPrefix) throws(VMError) {
        try Bridges.routing { (socket) throws(NetworkError) in
            guard let link = try socket.link(named: bridge) else { return }
            let address = InterfaceAddress(prefix, link: link.index, label: bridge.description)
            try socket.perform(.add(.address(address), on: bridge))
        }
    }

    private func serve(_ server: NATServer) throws(VMError) {
        let arguments = server.arguments + [daemon.option]
        let start = NATServer.start(in: directory)
        // For sh, and not for a person: without the quotes that only newer shells have.
        let line = ([Tool.dnsmasq.name] + arguments).map(ShellCommand.singleQuoted).joined(separator: " ")
        do throws(Errno) { try replaceFile(start, with: Array("\(line)\n".utf8), permissions: 0o600) } catch {
            throw .system(error, start.string, "can't be written")
        }
        do throws(VMError) { try Tool.dnsmasq.run(arguments, for: "nat") } catch {
            var failure = error
            guard error.details.contains(where: { $0.contains("already in use") }) else { throw failure }
            failure.code = .busy
            failure.remedy = NATServer.remedy(forServerInTheWayOf: bridge)
            throw failure
        }
    }

    /// The directories, which dnsmasq's user reads again and again, and nobody else but root.
    private func makeDirectory(_ journal: inout ResourceJournal, _ account: ServerAccount) throws(VMError) {
        for path in [directory, NATServer.hosts(in: directory), NATServer.names(in: directory)] {
            try journal.note(.directory(path))
            do throws(Errno) { try makeDirectories(path, permissions: 0o750, group: account.gid) } catch {
                throw .system(error, path.string, "can't be made")
            }
        }
        try account.letPass(to: directory, below: paths.run)
    }

    /// Gives a VM's NICs their addresses, its name to the others, and its ports to the host.
    private func settle(
        _ member: inout NATMember, in prefix: IPPrefix, _ account: ServerAccount, _ journal: inout ResourceJournal
    ) throws(VMError) {
        // Two may have been started at once.
        if let refusal = NATAddressing.refusal(ofNameOf: member.name, among: try members(), subject: "nat") {
            throw refusal
        }
        var taken = try taken(besides: Set(member.stations.map(\.mac)))
        for position in member.stations.indices {
            let mac = member.stations[position].mac
            guard let address = NATAddressing.address(for: mac, in: prefix, avoiding: taken) else {
                throw VMError(
                    .busy, "nat", "is full: all addresses of \(prefix.network) are taken",
                    remedy: "stop VMs that are on it, or use an isolated network or a bridge for some")
            }
            member.stations[position].address = address
            taken.insert(address)
        }
        let name = NATAddressing.hostName(of: member.name)
        try journal.note(.reader(daemon))
        for (path, text) in [
            (NATServer.hosts(in: directory), NATServer.hostLines(member.stations)),
            (NATServer.names(in: directory), NATServer.nameLine(member.stations, name: name)),
        ] {
            let file = path.appending(member.name.description)
            try journal.note(.file(file))
            try account.write(text, to: file)
        }
        try daemon.reload()
        guard let guest = member.stations.first?.address, !member.forwards.isEmpty else { return }
        // A connection from the host to its own 127.0.0.1 leaves with that address (ip-sysctl.rst). What comes from the
        // guests for such addresses, NATRules drops; it is not let in where nobody needs it.
        if member.forwards.contains(where: \.hostEnd.includesLoopback) {
            try Sysctl(key: "net/ipv4/conf/\(bridge)/route_localnet").set("1")
        }
        let rules = NATRules.forwards(member.forwards, of: member.name, to: guest)
        try RuleTable(family: "ip", name: NATRules.table(of: member.name), script: rules)
            .make(noting: &journal, in: paths, for: "the forwards of \(member.name)")
    }

    /// The addresses that others have, or may still use.
    private func taken(besides own: Set<MACAddress>) throws(VMError) -> Set<IPAddress> {
        NATServer.taken(by: try addressLines(), besides: own)
    }

    /// The lines that say which MAC has which address.
    private func addressLines() throws(VMError) -> [Substring] {
        let hosts = NATServer.hosts(in: directory)
        var lines: [Substring] = []
        for file in try Self.names(in: hosts).map({ hosts.appending($0) }) + [NATServer.leases(in: directory)] {
            do throws(Errno) {
                lines += String(decoding: try readFile(file), as: UTF8.self).split(separator: "\n")
            } catch .noSuchFileOrDirectory {
                // Another VM has just left, or no lease was ever given.
                continue
            } catch {
                throw .system(error, file.string, "can't be read")
            }
        }
        return lines
    }
}

/// The network `nat` as it is, or as it would be made, for whichever VM.
package struct NATSurvey {
    /// All but the addresses that are taken.
    fileprivate var plain: NATFacts
    fileprivate var lines: [Substring]

    /// The network for one VM.
    ///
    /// - Parameter own: the MACs of that VM.
    package func facts(besides own: Set<MACAddress>) -> NATFacts {
        var facts = plain
        facts.taken = NATServer.taken(by: lines, besides: own)
        return facts
    }
}
