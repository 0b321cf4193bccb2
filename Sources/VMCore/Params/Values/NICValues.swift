import BridgeNet

/// What a NIC is connected to.
package enum Network: Hashable, Sendable {
    /// `bridge:NAME`.
    case bridge(DeviceName)
    /// `nat`: a private network on the host, shared by all VMs that ask for it, that reaches the outside through the
    /// host's address.
    case nat
    /// `isolated:NAME`: a private network without a way out, shared by the VMs that name it.
    case isolated(NetworkName)
    /// `macvtap:DEV`: a separate address on the network of one of the host's devices.
    case macvtap(DeviceName)
    /// `user`: QEMU's user-mode stack.
    case user

    /// Whether a host port can be forwarded to a guest on it (`FORWARDn`).
    package var takesForwards: Bool { self == .user || self == .nat }
}

extension Network: CustomStringConvertible {
    /// As in vm.params.
    package var description: String {
        switch self {
        case .bridge(let name): "bridge:\(name)"
        case .nat: "nat"
        case .isolated(let name): "isolated:\(name)"
        case .macvtap(let device): "macvtap:\(device)"
        case .user: "user"
        }
    }
}

/// The name of an isolated network: 1 to 11 letters, digits, `.`, `_` and `-`, so that it fits into a bridge's name
/// after a prefix of four.
package struct NetworkName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes.
    package static let maximumLength = 11
    /// The name itself.
    package let description: String

    /// Nil if the text is not a valid name.
    package init?(_ text: some StringProtocol) {
        guard (1...Self.maximumLength).contains(text.utf8.count),
            text.isPlain(and: "._-")
        else { return nil }
        description = String(text)
    }
}

/// `NETn_FILTER`: the addresses that a guest may send from.
package struct SourceFilter: Hashable, Sendable {
    /// `mac`: only the NIC's own MAC.
    package var checksMAC: Bool
    /// `ip`: only these addresses; nil: any.
    package var addresses: Addresses?

    /// The guest's own IP addresses.
    package enum Addresses: Hashable, Sendable {
        /// The addresses that kvmctl's own network gave it.
        case lease
        /// These, without duplicates.
        case list([IPAddress])
    }
}

extension SourceFilter: CustomStringConvertible {
    /// As in vm.params: `mac,ip=192.0.2.7,2001:db8::7`.
    package var description: String {
        let ip: String? =
            switch addresses {
            case nil: nil
            case .lease: "ip"
            case .list(let list): "ip=" + list.map(\.description).joined(separator: ",")
            }
        return [checksMAC ? "mac" : nil, ip].compactMap(\.self).joined(separator: ",")
    }
}
