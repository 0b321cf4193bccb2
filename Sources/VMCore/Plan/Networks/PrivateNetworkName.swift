import BridgeNet

extension InterfaceName {
    /// The name of the bridge for `nat`.
    static let natBridge = "kvmnat0"
    /// The prefix of the names of isolated networks' bridges.
    static let isolatedPrefix = "kvm-"

    /// Whether the name is one for kvmctl's own bridges: `kvmnat0`, `kvm-lab`.
    package var isPrivate: Bool { description == Self.natBridge || description.hasPrefix(Self.isolatedPrefix) }
}

extension Link {
    /// The network that one of kvmctl's own bridges is for, as in vm.params: `nat`, `isolated:lab`; nil for other
    /// links. It is the bridge's alias.
    package var privateNetwork: String? {
        guard isBridge, let alias, alias == "nat" || alias.hasPrefix("isolated:") else { return nil }
        return alias
    }
}
