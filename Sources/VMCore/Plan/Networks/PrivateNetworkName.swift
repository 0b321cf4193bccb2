import BridgeNet

extension InterfaceName {
    /// What the bridge of `nat` is called.
    static let natBridge = "kvmnat0"
    /// What the names of isolated networks' bridges begin with.
    static let isolatedPrefix = "kvm-"

    /// Whether bridges of kvmctl's own are called so: `kvmnat0`, `kvm-lab`.
    package var isPrivate: Bool { description == Self.natBridge || description.hasPrefix(Self.isolatedPrefix) }
}

extension Link {
    /// The network of VMs that a bridge of kvmctl's own is for, as in vm.params: `nat`, `isolated:lab`; nil for all other links.
    /// It is the bridge's alias.
    package var privateNetwork: String? {
        guard isBridge, let alias, alias == "nat" || alias.hasPrefix("isolated:") else { return nil }
        return alias
    }
}
