import BridgeNet
import SystemPackage

/// dnsmasq(8) for the network `nat`: addresses by DHCP, and names. Pure.
package struct NATServer: Equatable {
    let bridge: InterfaceName
    /// The host's address on it, and the network.
    let prefix: IPPrefix
    let mtu: Int
    /// Where its files are.
    let directory: FilePath
    /// Who it is once it has its sockets.
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

    /// What guests find one another under: `web`, `web.kvmctl.internal`. `internal` is for private use, for ever.
    static let domain = "kvmctl.internal"

    /// Where DNS is asked.
    package static let namePort: UInt16 = 53
    /// Where addresses are asked for (RFC 2131, 4.1).
    package static let leasePort: UInt16 = 67

    /// A file for each VM, in which its NICs have their addresses.
    package static func hosts(in directory: FilePath) -> FilePath { directory.appending("hosts") }
    /// A file for each VM, in which its name stands.
    package static func names(in directory: FilePath) -> FilePath { directory.appending("names") }
    /// The leases that were given.
    package static func leases(in directory: FilePath) -> FilePath { directory.appending("leases") }

    /// The line for a shell that starts it.
    package static func start(in directory: FilePath) -> FilePath { directory.appending("start") }

    /// Its command line, without the option for its pid file.
    package var arguments: [String] {
        let network = prefix.network.address
        var options = [
            // Nothing of what the host's own dnsmasq is told.
            "--conf-file=", "--no-hosts", "--user=\(user)", "--group=\(group)",
            // This one bridge, and not the addresses that other servers of the host listen on.
            "--interface=\(bridge)", "--except-interface=lo", "--bind-interfaces",
            // Known guests only, each with the address that is written for it.
            "--dhcp-range=\(network),static,255.255.255.0,1h", "--dhcp-authoritative", "--dhcp-ignore-names",
            "--dhcp-hostsfile=\(Self.hosts(in: directory))", "--dhcp-leasefile=\(Self.leases(in: directory))",
            "--addn-hosts=\(Self.names(in: directory))", "--domain=\(Self.domain),\(prefix.network),local",
            "--expand-hosts", "--domain-needed", "--quiet-dhcp",
        ]
        if mtu != 1500 { options.append("--dhcp-option=option:mtu,\(mtu)") }
        return options
    }

    /// What to do about a server of somebody else's that has its ports.
    package static func remedy(forServerInTheWayOf bridge: InterfaceName) -> Remedy {
        let look: ShellCommand = "ss -lntup \("sport = :53 or sport = :67")"
        return """
            a server listens on every address of this host (\(command: look)): a dnsmasq leaves ours alone with the lines \
            bind-dynamic and except-interface=\(bridge)
            """
    }

    /// The lines that give a VM's NICs their addresses. Without the name: dnsmasq would read some, such as `ignore` and `1h`, as
    /// its own words.
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

    /// The addresses in a file of leases or hosts that belong to other MACs than these. What is no such line is skipped.
    package static func taken(by others: some Sequence<Substring>, besides own: Set<MACAddress>) -> Set<IPAddress> {
        var taken: Set<IPAddress> = []
        for line in others {
            // `MAC,ADDRESS,NAME` of ours, or `EXPIRY MAC ADDRESS NAME CLIENT` of dnsmasq's.
            let words = line.split { $0 == "," || $0 == " " }.map(String.init)
            guard let mac = words.lazy.compactMap({ MACAddress($0) }).first, !own.contains(mac),
                let address = words.lazy.compactMap({ IPAddress($0) }).first
            else { continue }
            taken.insert(address)
        }
        return taken
    }
}
