import BridgeNet

/// Questions to a guest that sends nothing by itself: what any host on its network could ask, addressed to this one
/// station, so that nobody else on the network sees it. Pure.
package struct AddressProbe {
    /// The guest.
    let station: MACAddress
    /// The bridge as a host: its MAC, and the addresses on it. Without any, the guest would have nobody to answer.
    let bridge: MACAddress
    let prefixes: [IPPrefix]

    package init(station: MACAddress, bridge: MACAddress, prefixes: [IPPrefix]) {
        self.station = station
        self.bridge = bridge
        self.prefixes = prefixes
    }

    /// The largest network that is searched: /22, 1022 hosts.
    private static let mostHostBits = 10

    /// Asks whether remembered addresses are still the guest's.
    package func whether(_ candidates: [IPAddress]) -> [[UInt8]] {
        candidates.compactMap { candidate in
            let family = prefixes.filter { $0.address.family == candidate.family }
            // In IPv6 a neighbour asks, from the link-local address.
            let asker = family.first { $0.contains(candidate) } ?? family.first { $0.address.isLinkLocal }
            guard let asker = asker?.address else { return nil }
            return candidate.isIPv4
                ? ARPPacket.question(from: bridge, asker, to: station, whether: candidate)
                : ICMPv6Question.whether(candidate, from: bridge, asker, to: station)
        }
    }

    /// Asks which addresses it has: in a small IPv4 network, for each one; in IPv6, the answer to a question to
    /// everybody shows the address that it comes from.
    package func search() -> [[UInt8]] {
        prefixes.flatMap { prefix -> [[UInt8]] in
            guard prefix.address.isIPv4 else {
                return [ICMPv6Question.echo(from: bridge, prefix.address, to: station)]
            }
            return prefix.hosts(most: Self.mostHostBits).filter { $0 != prefix.address }.map {
                ARPPacket.question(from: bridge, prefix.address, to: station, whether: $0)
            }
        }
    }
}

extension IPPrefix {
    /// The addresses of an IPv4 network without the first, the network's own, and the last, the broadcast address; none
    /// if the network has more host bits than that.
    fileprivate func hosts(most bits: Int) -> [IPAddress] {
        let hostBits = 32 - length
        guard address.isIPv4, (2...bits).contains(hostBits) else { return [] }
        let first = network.address.octets.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return (1..<(UInt32(1) << hostBits) - 1).compactMap { host in
            let number = first + host
            return IPAddress(octets: stride(from: 24, through: 0, by: -8).map { UInt8(number >> UInt32($0) & 0xff) })
        }
    }
}
