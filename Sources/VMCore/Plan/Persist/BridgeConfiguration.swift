public import BridgeNet

/// A bridge in the terms that the configuration files of every network service share.
public struct BridgeConfiguration: Equatable, Sendable {
    /// Its name.
    public var name: InterfaceName
    /// Its address, which is pinned: a DHCP server knows the host by it.
    public var mac: MACAddress
    /// Its MTU in bytes.
    public var mtu: Int
    /// Whether it speaks the spanning tree protocol.
    public var hasSpanningTree: Bool
    /// How long a port waits, under spanning tree, before it forwards; in hundredths of a second.
    public var forwardDelay: UInt32
    /// Whether it keeps VLANs apart.
    public var isVLANAware: Bool
    /// Its ports that are not VMs'.
    public var uplinks: [InterfaceName]
    /// IPv4.
    public var ipv4: Addressing
    /// IPv6, without link-local addresses.
    public var ipv6: Addressing

    /// What the bridge has of one family.
    public struct Addressing: Equatable, Sendable {
        /// Whether it also gets addresses and routes from the network: by DHCP, or from routers (RFC 4862).
        public var isDynamic = false
        /// Addresses of the admin's.
        public var addresses: [IPPrefix] = []
        /// Routes of the admin's.
        public var routes: [Route] = []

        /// Whether there is nothing of this family.
        public var isEmpty: Bool { self == Addressing() }
    }

    /// A route of the admin's.
    public struct Route: Equatable, Sendable {
        /// The network it leads to; of length 0 for a default route.
        public var destination: IPPrefix
        /// The router.
        public var gateway: IPAddress?
        /// 0 for the kernel's own choice.
        public var metric: UInt32 = 0
        /// Nil for the main table.
        public var table: UInt32?
        /// The source address of packets from this host.
        public var source: IPAddress?
        /// Whether the router counts as reachable though no address of the bridge is in its network.
        public var isOnLink = false
    }

    /// The MTU that Ethernet has where nobody sets one.
    static let usualMTU = 1500

    /// The MTU where it is not the usual one.
    var unusualMTU: Int? { mtu == Self.usualMTU ? nil : mtu }
}

/// The name servers that a link's configuration names, and the domains that names are looked up in.
public struct Nameservers: Equatable, Sendable {
    /// Addresses, as they were written.
    public var servers: [String] = []
    /// Domains.
    public var domains: [String] = []

    /// Adds those that are new. A word that is none of an address or a domain has no place in another file.
    mutating func add(_ servers: [String], _ domains: [String]) {
        for server in servers where !self.servers.contains(server) && server.isPlain(and: ".:%#-") {
            self.servers.append(server)
        }
        for domain in domains where !self.domains.contains(domain) && domain.isPlain(and: ".~_-") {
            self.domains.append(domain)
        }
    }
}

/// A file of a network service's.
public struct ConfigurationFile: Equatable, Sendable {
    /// Where it is.
    public var path: String
    /// All that it says.
    public var text: String
    /// Its permissions.
    public var permissions: UInt32 = 0o644
}
