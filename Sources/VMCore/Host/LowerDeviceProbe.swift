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
            let links = try socket.links()
            return devices.reduce(into: [:]) { facts, device in
                guard let link = links.first(where: { $0.name == device.description }) else { return }
                let controller = links.first { $0.index == link.controller }
                facts[device] = LowerDeviceFacts(
                    isEthernet: link.isEthernet, isUp: link.isUp, mtu: link.mtu,
                    controller: controller.flatMap { InterfaceName($0.name) },
                    isBridgePort: controller?.isBridge == true)
            }
        } catch {
            throw VMError(error)
        }
    }
}
