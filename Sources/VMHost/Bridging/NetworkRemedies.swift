import BridgeNet
import VMCore

extension Remedy {
    /// What to do about a network failure, in commands of this host.
    init(_ remedy: NetworkError.Remedy) {
        self =
            switch remedy {
            case .make(let bridge): .run("make it", "kvmctl net up \(bridge)")
            case .keepVLANsApart(let bridge): .run("make it", "kvmctl net up \(bridge) --vlan-aware")
            case .bringUp(let bridge): .run("bring it up", "kvmctl net up \(bridge)")
            case .raiseMTU(let device, let mtu):
                .run("if its network supports that MTU", "ip link set dev \(device) mtu \(mtu)")
            case .takeApart(let bridge, let instead):
                .advice("\(instead), or first give up \(bridge), with kvmctl net down")
            case .load(let module): .run("load it", "modprobe \(module)")
            case .advice(let text): .advice(text)
            }
    }
}
