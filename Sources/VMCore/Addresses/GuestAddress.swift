import BridgeNet

/// A guest's address, and who knows it.
package struct GuestAddress: Equatable, Sendable {
    /// Who knows an address, the best first.
    package enum Source: String, Sendable, CaseIterable {
        /// The guest agent.
        case agent
        /// A DHCP server gave it to the guest, as seen on the VM's interface.
        case dhcp
        /// The guest announced it by ARP, as seen there.
        case arp
        /// The guest announced it by IPv6's neighbour discovery, as seen there.
        case nd
        /// kvmctl's own DHCP server keeps it for the guest.
        case lease
        /// The host's neighbour table.
        case neighbour

        /// Whether the guest itself was the source. The other sources remember: the guest may have gone since.
        var isFirsthand: Bool {
            switch self {
            case .agent, .dhcp, .arp, .nd: true
            case .lease, .neighbour: false
            }
        }
    }

    /// The n of `NETn`.
    package var nic: Int
    /// The address.
    package var address: IPAddress
    /// Who knows it, the best first; one at least.
    package var sources: [Source]
    /// For a link-local address: the host's interface on which it is valid; nil if the host has none.
    package var zone: String?

    /// Whether the guest itself showed it, rather than somebody's memory.
    package var isConfirmed: Bool { sources.contains(where: \.isFirsthand) }

    /// As programs accept it: with its zone, if it needs one.
    package var text: String { zone.map { "\(address)%\($0)" } ?? "\(address)" }
}

/// The addresses found so far. It refuses what can't be a station's address, from any source.
package struct AddressBook {
    private struct Key: Hashable {
        var nic: Int
        var address: IPAddress
    }

    private var sources: [Key: Set<GuestAddress.Source>] = [:]

    package init() {}

    package var isEmpty: Bool { sources.isEmpty }

    /// Adds everything that another one has.
    package mutating func add(_ other: AddressBook) { sources.merge(other.sources) { $0.union($1) } }

    /// Adds an address; one that is already there gets another source.
    package mutating func add(_ address: IPAddress, of nic: Int, from source: GuestAddress.Source) {
        guard address.canBeAStations else { return }
        sources[Key(nic: nic, address: address), default: []].insert(source)
    }

    /// The best first: confirmed, working beyond the link, IPv4, the lower NIC, the better source.
    package func addresses(zone: (_ nic: Int) -> String?) -> [GuestAddress] {
        let found = sources.map { key, sources in
            GuestAddress(
                nic: key.nic, address: key.address, sources: GuestAddress.Source.allCases.filter(sources.contains),
                zone: key.address.isLinkLocal && !key.address.isIPv4 ? zone(key.nic) : nil)
        }
        return found.sorted { $0.rank.lexicographicallyPrecedes($1.rank) }
    }
}

extension GuestAddress {
    fileprivate var rank: [Int] {
        let source = sources.first.flatMap(Source.allCases.firstIndex) ?? 0
        return [isConfirmed ? 0 : 1, address.isLinkLocal ? 1 : 0, address.isIPv4 ? 0 : 1, nic, source]
            + address.octets.map(Int.init)
    }
}

extension IPAddress {
    /// Whether a single station may have it, so that others reach it there.
    fileprivate var canBeAStations: Bool {
        // 240.0.0.0/4 is reserved, and its last address is for broadcasts.
        !isUnspecified && !isLoopback && !isMulticast && !(isIPv4 && octets[0] >= 240)
    }
}
