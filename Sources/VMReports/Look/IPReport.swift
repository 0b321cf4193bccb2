import BridgeNet
import VMCore

/// `kvmctl ip`: the addresses of one guest.
package struct IPReport: ObjectReport {
    private let found: AddressReport

    /// Reports what is known about a guest's addresses.
    package init(_ found: AddressReport) { self.found = found }

    /// What an answer is.
    package var schema: Schema { .ip }

    /// All that was seen of the guest.
    package var members: Members {
        [
            "name": .string(found.vm.description),
            "addresses": .array(found.addresses.map(\.json)),
            "nics": .array(found.nics.map(\.json)),
            "answers": .array(
                found.answers.map { ["source": .string($0.source.rawValue), "text": .string($0.text)] }),
            "forwards": .strings(found.forwards),
        ]
    }

    /// A line for each address.
    package var text: [TextBlock] { found.addresses.map { .lines($0.text) } }
}

/// `kvmctl ip`: the addresses of several guests.
package struct IPListReport: Report {
    /// How people get them.
    package enum Layout: Sendable {
        /// A line for each address, and nothing else in it.
        case addresses
        /// The same, with the VM's name before it.
        case namedAddresses
        /// A table with NICs and sources.
        case table
    }

    private let found: [AddressReport]
    private let layout: Layout

    /// Reports what is known about guests' addresses.
    package init(_ found: [AddressReport], layout: Layout) { (self.found, self.layout) = (found, layout) }

    /// What an answer is.
    package var schema: Schema { .ip }

    /// An object for each guest.
    package var content: Content { .array(found.map { IPReport($0).members }) }

    /// The addresses; nothing if none is known.
    package var text: [TextBlock] {
        switch layout {
        case .addresses: found.flatMap { IPReport($0).text }
        case .namedAddresses: found.flatMap { one in one.addresses.map { .lines("\(one.vm) \($0.text)") } }
        case .table: found.contains { !$0.addresses.isEmpty } ? [.table(table)] : []
        }
    }

    private var table: Table {
        var table = Table("VM", "NIC", "ADDRESS", "SOURCE")
        for one in found {
            for address in one.addresses {
                let sources = address.sources.map(\.rawValue).joined(separator: ", ")
                table.add(one.vm.description, "NET\(address.nic)", address.text, sources)
            }
        }
        return table
    }
}

extension GuestAddress {
    var json: JSON {
        [
            "address": .string(address.description),
            "family": .string(address.isIPv4 ? "ipv4" : "ipv6"),
            "scope": .string(address.isLinkLocal ? "link" : "global"),
            "zone": .optional(zone),
            "nic": .int(nic),
            "sources": .strings(sources.map(\.rawValue)),
            "confirmed": .bool(isConfirmed),
        ]
    }
}

extension AddressReport.NIC {
    fileprivate var json: JSON {
        [
            "index": .int(index), "network": .string(network), "mac": .string(mac.description),
            "tap": .optional(tap), "story": .optional(story),
        ]
    }
}
