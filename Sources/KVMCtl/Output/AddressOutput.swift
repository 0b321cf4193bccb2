import BridgeNet
import VMCore

extension AddressReport {
    /// As JSON (docs/json.md, schema kvmctl.ip/1).
    var json: JSON {
        [
            "schema": "kvmctl.ip/1",
            "name": .string(vm.description),
            "addresses": .array(addresses.map(\.json)),
            "nics": .array(nics.map(\.json)),
            "answers": .array(answers.map { ["source": .string($0.source.rawValue), "text": .string($0.text)] }),
            "forwards": .array(forwards.map { .string($0.description) }),
        ]
    }
}

extension GuestAddress {
    fileprivate var json: JSON {
        [
            "address": .string(address.description),
            "family": .string(address.isIPv4 ? "ipv4" : "ipv6"),
            "scope": .string(address.isLinkLocal ? "link" : "global"),
            "zone": .optional(zone),
            "nic": .integer(Int64(nic)),
            "sources": .array(sources.map { .string($0.rawValue) }),
            "confirmed": .bool(isConfirmed),
        ]
    }
}

extension AddressReport.NIC {
    fileprivate var json: JSON {
        [
            "index": .integer(Int64(index)), "network": .string(network), "mac": .string(mac.description),
            "tap": .optional(tap), "story": .optional(story),
        ]
    }
}
