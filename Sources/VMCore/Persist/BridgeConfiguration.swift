import BridgeNet

/// A bridge in terms that the configuration files of all network services share.
package struct BridgeConfiguration: Equatable, Sendable {
    /// Its name.
    package var name: InterfaceName
    /// Its address, which is pinned: a DHCP server knows the host by it.
    package var mac: MACAddress
    /// Its MTU in bytes.
    package var mtu: Int
    /// Whether it uses the spanning tree protocol.
    package var hasSpanningTree: Bool
    /// How long a port waits, under spanning tree, before it forwards; in hundredths of a second.
    package var forwardDelay: UInt32
    /// Whether it separates VLANs.
    package var isVLANAware: Bool
    /// Its ports that don't belong to VMs.
    package var uplinks: [InterfaceName]
    /// IPv4.
    package var ipv4: Addressing
    /// IPv6, without link-local addresses.
    package var ipv6: Addressing

    /// The bridge's configuration for one address family.
    package struct Addressing: Equatable, Sendable {
        /// Whether it also gets addresses and routes from the network: by DHCP, or from routers (RFC 4862).
        package var isDynamic = false
        /// Addresses that the admin set.
        package var addresses: [IPPrefix] = []
        /// Routes that the admin set.
        package var routes: [Route] = []

        /// Whether there is nothing of this family.
        package var isEmpty: Bool { self == Addressing() }
    }

    /// A route that the admin set.
    package struct Route: Equatable, Sendable {
        /// The network it leads to; of length 0 for a default route.
        package var destination: IPPrefix
        /// The router.
        package var gateway: IPAddress?
        /// 0 for the kernel's own choice.
        package var metric: UInt32 = 0
        /// Nil for the main table.
        package var table: UInt32?
        /// The source address of packets from this host.
        package var source: IPAddress?
        /// Whether the router counts as reachable although no address of the bridge is in its network.
        package var isOnLink = false
    }

    /// Ethernet's default MTU.
    static let usualMTU = 1500

    /// The MTU; nil if it is the default.
    var unusualMTU: Int? { mtu == Self.usualMTU ? nil : mtu }
}

/// The name servers in a link's configuration, and its search domains.
package struct Nameservers: Equatable, Sendable {
    /// Addresses, as they were written.
    package var servers: [String] = []
    /// Domains.
    package var domains: [String] = []

    /// Adds those that are new. A word that is neither an address nor a domain must not get into another file.
    package mutating func add(_ servers: [String], _ domains: [String]) {
        for server in servers where !self.servers.contains(server) && server.isPlain(and: ".:%#-") {
            self.servers.append(server)
        }
        for domain in domains where !self.domains.contains(domain) && domain.isPlain(and: ".~_-") {
            self.domains.append(domain)
        }
    }
}

/// A network service's configuration file.
package struct ConfigurationFile: Equatable, Sendable {
    /// Where it is.
    package var path: String
    /// Its content.
    package var text: String
    /// Its permissions.
    package var permissions: UInt32 = 0o644
}
