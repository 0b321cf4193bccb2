import BridgeNet

/// Chooses the addresses of the network `nat` and its guests. Pure, and the same for the same host and guest.
package enum NATAddressing {
    /// The private networks that are tried (RFC 1918), the most likely to be unused first: of a few hundred such
    /// blocks, a host is in this one only if somebody chose it.
    private static let blocks: [(UInt8, UInt8)] = [(10, 213), (172, 29), (192, 168)]

    /// The host's address on a network that overlaps none of the host's other networks; nil if all are in use.
    ///
    /// - Parameter used: the host's addresses and routes. A default route, or one of the two halves that VPNs make of
    ///   it, does not count.
    package static func prefix(avoiding used: [IPPrefix]) -> IPPrefix? {
        let used = used.filter { $0.length > 1 && $0.address.isIPv4 }
        for (first, second) in blocks {
            for third in UInt8.min...UInt8.max {
                guard let address = IPAddress(octets: [first, second, third, 1]),
                    let prefix = IPPrefix(address, length: 24)
                else { continue }
                if !used.contains(where: { prefix.contains($0.address) || $0.contains(address) }) { return prefix }
            }
        }
        return nil
    }

    /// The guest's address: derived from its MAC, or the next that is free; nil if the network is full.
    package static func address(
        for mac: MACAddress, in prefix: IPPrefix, avoiding taken: Set<IPAddress>
    ) -> IPAddress? {
        // All but the network itself, the host and the broadcast address.
        let hosts = (2...254).map { UInt8($0) }
        let first = Int(Identity.hash(mac.octets)[0]) % hosts.count
        return hosts.indices.lazy.compactMap { step in
            let host = hosts[(first + step) % hosts.count]
            return IPAddress(octets: prefix.address.octets.dropLast() + [host])
        }.first { $0 != prefix.address && !taken.contains($0) }
    }

    /// Why a VM can't have the host name that follows from its name; nil if it can.
    ///
    /// - Parameters:
    ///   - others: the other VMs on the network.
    ///   - subject: what the error is about.
    package static func refusal(
        ofNameOf name: VMName, among others: some Sequence<VMName>, subject: String
    ) -> VMError? {
        guard let own = hostName(of: name),
            let rival = others.first(where: { $0 != name && hostName(of: $0)?.lowercased() == own.lowercased() })
        else { return nil }
        return VMError(
            .busy, subject, "guests on nat would know \(name) as \(own), but already know \(rival) by that name",
            remedy: "give one of the two another NAME")
    }

    /// A VM's name as a host name (RFC 1123): letters, digits and hyphens; nil if nothing is left of it.
    package static func hostName(of name: VMName) -> String? {
        let dashed = name.description.utf8.map { byte in
            byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : byte
        }
        let label = dashed.prefix(63).drop { $0 == UInt8(ascii: "-") }
        let end = label.lastIndex { $0 != UInt8(ascii: "-") }
        return end.map { String(decoding: label[...$0], as: UTF8.self) }
    }
}
