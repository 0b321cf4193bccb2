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
///         leases       the leases that dnsmasq gave
///         dnsmasq.pid
///         start        the shell command that starts dnsmasq, which `doctor` shows as a remedy
/// ```
package struct NATNetwork {
    let paths: Paths
    /// Its bridge's name.
    let bridge: InterfaceName

    package init(paths: Paths, bridge: InterfaceName) {
        self.paths = paths
        self.bridge = bridge
    }

    private var directory: FilePath { paths.run.appending("nat") }
    private var daemon: Daemon { Daemon(pidFile: directory.appending("dnsmasq.pid")) }

    /// The holds on the network and on one VM's part of it.
    @frozen package struct Joined: ~Copyable {
        package let network: OwnedDescriptor
        package let lease: OwnedDescriptor
        /// The VM, with the addresses that it got.
        package let member: NATMember
    }

    /// Adds a VM to the network, and makes the network if it does not exist.
    package func join(_ wanted: NATMember) throws(VMError) -> Joined {
        var member = wanted
        var lease: OwnedDescriptor?
        let network = try HostResource("nat", in: paths).hold(for: wanted.name) { (journal) throws(VMError) in
            let account = try ServerAccount()
            let prefix = try provide(&journal, account)
            // The network's turn is held, so that no two VMs choose the same address.
            let own = HostResource("nat.\(member.name)", in: paths)
            let held = try own.hold(for: wanted.name) { (journal) throws(VMError) in
                try settle(&member, in: prefix, account, &journal)
            }
            lease = consume held
        }
        guard let lease = lease.take() else { throw VMError(.bug, "nat", "joined without a lease") }
        return Joined(network: network, lease: lease, member: member)
    }

    /// The network as it is, or as it would be made.
    package func survey() throws(VMError) -> NATSurvey {
        // Root's directory only: a user's is elsewhere, and dnsmasq does not read it.
        if geteuid() == 0 { try ServerAccount().refuseClosed(above: paths.run) }
        let networks = try HostNetworks(bridge)
        let prefix = try networks.ownOrFreePrefix()
        return NATSurvey(
            plain: NATFacts(
                prefix: prefix, mtu: networks.bridge?.mtu ?? networks.outsideMTU,
                isForwarding: try Sysctl.forwarding.value() != "0", members: try members(),
                isNamePortTaken: try isNamePortTaken(at: prefix.address),
                isLeasePortTaken: try isLeasePortTaken()),
            lines: try addressLines())
    }

    /// The VMs on it.
    private func members() throws(VMError) -> [VMName] {
        try Self.names(in: NATServer.names(in: directory)).compactMap { VMName($0) }
    }

    /// The names in a directory; none if there is no such directory.
    private static func names(in directory: FilePath) throws(VMError) -> [String] {
        do throws(Errno) { return try VMHost.names(in: directory) ?? [] } catch {
            throw .system(error, directory.string, "can't be listed")
        }
    }

    /// Makes whatever is missing of the network, also if a part of it was removed or died.
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
        // Each time: all rules may have been flushed since.
        let rules = NATRules.network(prefix, bridge: bridge)
        try RuleTable(family: "ip", name: NATRules.table, script: rules).make(noting: &journal, in: paths, for: "nat")
        try journal.note(.daemon(daemon))
        // A dnsmasq that served a deleted bridge does not serve the new one.
        if survey.bridge == nil { try daemon.end() }
        if try !daemon.isRunning() {
            try serve(
                NATServer(
                    bridge: bridge, prefix: prefix, mtu: mtu, directory: directory, user: account.user,
                    group: account.group))
        }
        return prefix
    }

    /// Switching forwarding off again makes the host accept redirects, and switches it off for interfaces that had it
    /// on individually (`inet_forward_change`, net/ipv4/devinet.c). These settings are noted first, so that they are
    /// restored last.
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
        // For sh: without the `$'…'` quotes that only newer shells support.
        let line = ([Tool.dnsmasq.name] + arguments).map(ShellCommand.singleQuoted).joined(separator: " ")
        do throws(Errno) { try replaceFile(start, with: Array("\(line)\n".utf8), permissions: 0o600) } catch {
            throw .system(error, start.string, "can't be written")
        }
        let run = try Tool.dnsmasq.finish(arguments, for: "nat")
        guard var failure = run.failure else { return }
        if run.end == .exited(NATServer.networkFailure), isPortTaken(at: server.prefix.address) {
            failure.code = .busy
            failure.remedy = NATServer.remedy(forServerInTheWayOf: bridge)
        }
        throw failure
    }

    /// Makes the directories. Apart from root only dnsmasq's user may read them.
    private func makeDirectory(_ journal: inout ResourceJournal, _ account: ServerAccount) throws(VMError) {
        for path in [directory, NATServer.hosts(in: directory), NATServer.names(in: directory)] {
            try journal.note(.directory(path))
            do throws(Errno) { try makeDirectories(path, permissions: 0o750, group: account.gid) } catch {
                throw .system(error, path.string, "can't be made")
            }
        }
        try account.letPass(to: directory, below: paths.run)
    }

    /// Assigns addresses to a VM's NICs, publishes its name, and forwards its ports.
    private func settle(
        _ member: inout NATMember, in prefix: IPPrefix, _ account: ServerAccount, _ journal: inout ResourceJournal
    ) throws(VMError) {
        // Two VMs with one host name may have been started at once.
        if let refusal = NATAddressing.refusal(ofNameOf: member.name, among: try members(), subject: "nat") {
            throw refusal
        }
        var taken = try taken(besides: Set(member.stations.map(\.mac)))
        for position in member.stations.indices {
            let mac = member.stations[position].mac
            guard let address = NATAddressing.address(for: mac, in: prefix, avoiding: taken) else {
                throw VMError(
                    .busy, "nat", "is full: all addresses of \(prefix.network) are taken",
                    remedy: "stop some of its VMs, or move some to an isolated network or a bridge")
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
        // A connection from the host to its own 127.0.0.1 leaves with that source address (ip-sysctl.rst,
        // route_localnet). NATRules drops guests' packets to such addresses. The setting is left off if no forward
        // needs it.
        if member.forwards.contains(where: \.hostEnd.includesLoopback) {
            try Sysctl(key: "net/ipv4/conf/\(bridge)/route_localnet").set("1")
        }
        let rules = NATRules.forwards(member.forwards, of: member.name, to: guest)
        try RuleTable(family: "ip", name: NATRules.table(of: member.name), script: rules)
            .make(noting: &journal, in: paths, for: "the forwards of \(member.name)")
    }

    /// The addresses that other guests have, or may still use.
    private func taken(besides own: Set<MACAddress>) throws(VMError) -> Set<IPAddress> {
        NATServer.taken(by: try addressLines(), besides: own)
    }

    /// The lines that assign addresses to MACs.
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

/// The network `nat` as it is, or as it would be made, for any VM.
package struct NATSurvey {
    /// The facts without the addresses that are taken.
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
