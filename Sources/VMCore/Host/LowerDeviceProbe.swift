import BridgeNet

/// Looks at the devices that a VM's macvtaps are to sit on.
enum LowerDeviceProbe {
    static func facts(for params: VMParams) throws(VMError) -> [InterfaceName: LowerDeviceFacts] {
        let devices = Set(
            params.nics.compactMap { nic -> InterfaceName? in
                if case .macvtap(let device) = nic.network.value { device } else { nil }
            })
        guard !devices.isEmpty else { return [:] }
        do throws(NetworkError) {
            var socket = try RouteSocket()
            let found = try socket.linkState()
            return devices.reduce(into: [:]) { facts, device in
                guard let link = found.link(named: device) else { return }
                let controller = found.links.first { $0.index == link.controller }
                facts[device] = LowerDeviceFacts(
                    isEthernet: link.isEthernet, isWireless: found.wireless.contains(link.index), isUp: link.isUp,
                    mtu: link.mtu,
                    controller: controller.flatMap { InterfaceName($0.name) },
                    isBridgePort: controller?.isBridge == true)
            }
        } catch {
            throw VMError(error)
        }
    }
}
