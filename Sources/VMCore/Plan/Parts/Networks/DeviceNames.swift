import BridgeNet

extension HostFacts {
    /// What a device is called; nil for a name that only an alternative one can be, and that no device has.
    func name(of device: DeviceName) -> InterfaceName? { names[device] ?? InterfaceName(device.description) }

    /// The network by its device's own name: two VMs on one network say the same.
    func called(_ network: Network) -> Network {
        switch network {
        case .bridge(let device): .bridge(name(of: device).map { DeviceName($0) } ?? device)
        case .macvtap(let device): .macvtap(name(of: device).map { DeviceName($0) } ?? device)
        case .nat, .isolated, .user: network
        }
    }
}
