import BridgeNet

/// What a NIC is connected to.
package enum Network: Hashable, Sendable {
    /// `bridge:NAME`.
    case bridge(DeviceName)
    /// `nat`: a private network of the host's, shared by all VMs that ask for it, that reaches the outside through the
    /// host's address.
    case nat
    /// `isolated:NAME`: a private network without a way out, shared by the VMs that name it.
    case isolated(NetworkName)
    /// `macvtap:DEV`: an address of its own on the network of one of the host's devices.
    case macvtap(DeviceName)
    /// `user`: QEMU's user-mode stack.
    case user

    /// Whether a host port can lead to a guest on it (`FORWARDn`).
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

/// The name of an isolated network: 1 to 11 letters, digits, `.`, `_` and `-`, so that with a prefix of four it can be a
/// bridge's name.
package struct NetworkName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes.
    package static let maximumLength = 11
    /// The name itself.
    package let description: String

    /// Takes a valid name; anything else is nil.
    package init?(_ text: some StringProtocol) {
        guard (1...Self.maximumLength).contains(text.utf8.count),
            text.utf8.allSatisfy({ ParamValue.isWord($0, or: "._-") })
        else { return nil }
        description = String(text)
    }
}

/// `NETn_FILTER`: what a guest may send as.
package struct SourceFilter: Hashable, Sendable {
    /// `mac`: nothing but the NIC's own address.
    package var checksMAC: Bool
    /// `ip`: nothing but these addresses; nil: any.
    package var addresses: Addresses?

    /// The guest's own IP addresses.
    package enum Addresses: Hashable, Sendable {
        /// Those that it was given by a network of ours.
        case lease
        /// These, each once.
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
