import BridgeNet
import SystemPackage

/// dnsmasq(8) for the network `nat`: addresses by DHCP, and names. Pure.
package struct NATServer: Equatable {
    let bridge: InterfaceName
    /// The host's address on it, and the network.
    package let prefix: IPPrefix
    let mtu: Int
    /// Where its files are.
    let directory: FilePath
    /// The user that it runs as once it has its sockets.
    let user: String
    /// The group that may read its files.
    let group: String

    package init(bridge: InterfaceName, prefix: IPPrefix, mtu: Int, directory: FilePath, user: String, group: String) {
        self.bridge = bridge
        self.prefix = prefix
        self.mtu = mtu
        self.directory = directory
        self.user = user
        self.group = group
    }

    /// The domain of the guests' names: `web`, `web.kvmctl.internal`. `internal` is reserved for private use.
    static let domain = "kvmctl.internal"

    /// The port for DNS.
    package static let namePort: UInt16 = 53
    /// The port for DHCP (RFC 2131, 4.1).
    package static let leasePort: UInt16 = 67
    /// Its exit code if it can't listen, among other failures of the network (dnsmasq(8), EXIT CODES).
    package static let networkFailure: Int32 = 2

    /// The directory with a file for each VM that gives its NICs their addresses.
    package static func hosts(in directory: FilePath) -> FilePath { directory.appending("hosts") }
    /// The directory with a file for each VM that holds its name.
    package static func names(in directory: FilePath) -> FilePath { directory.appending("names") }
    /// The file of the leases that were given.
    package static func leases(in directory: FilePath) -> FilePath { directory.appending("leases") }

    /// The file with the shell command that starts it.
    package static func start(in directory: FilePath) -> FilePath { directory.appending("start") }

    /// Its command line, without the option for its pid file.
    package var arguments: [String] {
        let network = prefix.network.address
        var options = [
            // The configuration of the host's own dnsmasq is ignored.
            "--conf-file=", "--no-hosts", "--user=\(user)", "--group=\(group)",
            // It listens on this bridge only, not on addresses that other servers on the host use.
            "--interface=\(bridge)", "--except-interface=lo", "--bind-interfaces",
            // It serves only known guests, each with its fixed address.
            "--dhcp-range=\(network),static,255.255.255.0,1h", "--dhcp-authoritative", "--dhcp-ignore-names",
            "--dhcp-hostsfile=\(Self.hosts(in: directory))", "--dhcp-leasefile=\(Self.leases(in: directory))",
            "--addn-hosts=\(Self.names(in: directory))", "--domain=\(Self.domain),\(prefix.network),local",
            "--expand-hosts", "--domain-needed", "--quiet-dhcp",
        ]
        if mtu != 1500 { options.append("--dhcp-option=option:mtu,\(mtu)") }
        return options
    }

    /// What to do about another server that has taken its ports.
    package static func remedy(forServerInTheWayOf bridge: InterfaceName) -> Remedy {
        let look: ShellCommand = "ss -lntup \("sport = :53 or sport = :67")"
        return """
            another server listens on every address of this host (\(command: look)): if it is a dnsmasq, add the lines \
            bind-dynamic and except-interface=\(bridge) to its configuration
            """
    }

    /// The lines that give a VM's NICs their addresses, without the VM's name: dnsmasq would take some names, such as
    /// `ignore` and `1h`, for keywords.
    package static func hostLines(_ stations: [NATMember.Station]) -> String {
        lines(stations) { station, address, _ in "\(station.mac),\(address)" }
    }

    /// The line that gives the first NIC's address the VM's name.
    package static func nameLine(_ stations: [NATMember.Station], name: String?) -> String {
        guard let name else { return "" }
        return lines(stations) { _, address, isFirst in isFirst ? "\(address) \(name)" : nil }
    }

    private static func lines(
        _ stations: [NATMember.Station], _ line: (NATMember.Station, IPAddress, Bool) -> String?
    ) -> String {
        stations.enumerated().compactMap { position, station in
            station.address.flatMap { line(station, $0, position == 0) }.map { $0 + "\n" }
        }.joined()
    }

    /// The addresses in a file of leases or hosts that belong to other MACs than these. Lines without one are skipped.
    package static func taken(by others: some Sequence<Substring>, besides own: Set<MACAddress>) -> Set<IPAddress> {
        var taken: Set<IPAddress> = []
        for line in others {
            // `MAC,ADDRESS,NAME` as kvmctl writes it, or `EXPIRY MAC ADDRESS NAME CLIENT` as dnsmasq does.
            let words = line.split { $0 == "," || $0 == " " }.map(String.init)
            guard let mac = words.lazy.compactMap({ MACAddress($0) }).first, !own.contains(mac),
                let address = words.lazy.compactMap({ IPAddress($0) }).first
            else { continue }
            taken.insert(address)
        }
        return taken
    }
}
