import BridgeNet
import VMCore

/// Examines the devices that a VM's macvtaps will sit on.
package struct LowerDeviceProbe {
    /// The devices, by their primary names.
    package private(set) var facts: [InterfaceName: LowerDeviceFacts] = [:]
    /// The primary names of devices that the VM calls by an alternative name.
    package private(set) var names: [DeviceName: InterfaceName] = [:]

    /// For when nothing was examined.
    package init() {}

    /// - Parameters:
    ///   - stations: the NICs of the VM.
    ///   - links: reads the host's links.
    package init(
        _ params: VMParams, _ stations: [Station], in links: () throws(NetworkError) -> NetworkState
    ) throws(VMError) {
        let wished = stations.compactMap { station -> (device: DeviceName, mac: MACAddress)? in
            if case .macvtap(let device) = station.network { (device, station.mac) } else { nil }
        }
        guard !wished.isEmpty else { return }
        let found: NetworkState
        do throws(NetworkError) {
            found = try links()
        } catch {
            throw VMError(error)
        }
        for (device, mac) in wished {
            guard let link = found.link(called: device), let name = InterfaceName(link.name) else { continue }
            if name.description != device.description { names[device] = name }
            facts[name] = facts[name] ?? LowerDeviceFacts(link, in: found)
            facts[name]?.holders[mac] = Self.holder(of: mac, on: link, in: found, besides: params.name.value)
        }
    }

    /// Which link on the device has a MAC already: the device itself, or another link on it. The kernel accepts none
    /// twice.
    private static func holder(
        of mac: MACAddress, on link: Link, in found: NetworkState, besides vm: VMName
    ) -> MACHolder? {
        if link.mac == mac { return .host("the device \(link.name)") }
        let upper = found.links.first {
            $0.lower == link.index && $0.mac == mac && $0.kind != "veth"
                && !($0.kind == "macvtap" && $0.alias == vm.description)
        }
        return upper.map { .host("\($0.name), which sits on \(link.name) too") }
    }
}

extension LowerDeviceFacts {
    fileprivate init(_ link: Link, in found: NetworkState) {
        let controller = found.links.first { $0.index == link.controller }
        self.init(
            isEthernet: link.isEthernet, isWireless: found.wireless.contains(link.index), isUp: link.isUp,
            mtu: link.mtu,
            controller: controller.flatMap { InterfaceName($0.name) }, isBridgePort: controller?.isBridge == true)
    }
}
