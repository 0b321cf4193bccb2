import BridgeNet

/// A device that a macvtap is to sit on, as it was found.
package struct LowerDeviceFacts: Equatable, Sendable {
    /// Whether it carries Ethernet frames.
    package var isEthernet: Bool
    /// Whether it is Wi-Fi.
    package var isWireless: Bool
    /// Whether it is up.
    package var isUp: Bool
    /// Its MTU in bytes.
    package var mtu: Int
    /// The bridge, bond or VRF that it is a port of.
    package var controller: InterfaceName?
    /// Whether that is a bridge.
    package var isBridgePort: Bool
    /// Who else has a MAC of the VM's on it, as far as that is known.
    package var holders: [MACAddress: MACHolder] = [:]

    /// Describes a device; see the properties.
    package init(
        isEthernet: Bool = true, isWireless: Bool = false, isUp: Bool, mtu: Int, controller: InterfaceName? = nil,
        isBridgePort: Bool = false
    ) {
        self.isEthernet = isEthernet
        self.isWireless = isWireless
        self.isUp = isUp
        self.mtu = mtu
        self.controller = controller
        self.isBridgePort = isBridgePort
    }
}

extension LaunchPlanner {
    /// `macvtap:DEVICE`: a link of the guest's own on the device; the MTU that the guest has to be told of, if it is not
    /// Ethernet's own.
    mutating func planMacvtap(_ nic: VMParams.NIC, _ wish: DeviceName, _ mac: MACAddress) -> Int? {
        refuseTakenName(of: nic, like: "macvtapN")
        guard mayMakeLinks(for: nic, "a macvtap on \(wish)") else { return nil }
        guard let device = facts.name(of: wish), let found = facts.lowerDevices[device] else {
            refuse(
                .unavailable, place(nic.network.origin), "there is no device \(wish)", .noDevice(wish),
                remedy: "\(command: "ip link") lists them")
            return nil
        }
        guard let mtu = usableMTU(nic, on: device, found) else { return nil }
        judge(found.holders[mac], of: mac, nic, on: device)
        plan.macvtaps.append(
            .init(
                nic: nic.index, name: nic.tap?.value, device: device, mac: mac, mtu: nic.mtu?.value,
                queues: nic.queues?.value ?? 1))
        _ = inherit(.macvtap(nic: nic.index))
        planTapBackend(nic, purpose: "macvtap on \(device)")
        plan.notices.append(
            "over NET\(nic.index)=macvtap:\(device) the guest reaches all but this host itself: the kernel keeps the two "
                + "apart (a bridge does not)")
        return mtu == 1500 ? nil : mtu
    }

    private mutating func usableMTU(
        _ nic: VMParams.NIC, on device: InterfaceName, _ found: LowerDeviceFacts
    ) -> Int? {
        let subject = place(nic.network.origin)
        if let fault = found.fault(of: device, nic) {
            refuse(fault.code, subject, fault.cause, .unfitDevice(device), remedy: fault.remedy)
            return nil
        }
        return checkedMTU(nic, atMost: found.mtu, of: device)
    }
}

extension LowerDeviceFacts {
    /// Why no macvtap can sit on the device, or none would work there; nil: nothing is in the way.
    fileprivate func fault(
        of device: InterfaceName, _ nic: VMParams.NIC
    ) -> (code: VMError.Code, cause: String, remedy: Remedy)? {
        let net = "NET\(nic.index)"
        if !isEthernet {
            return (
                .unavailable, "\(device) is not an Ethernet device, so that no macvtap can sit on it",
                "name the device that leads to the network: \(command: "ip link") lists them"
            )
        }
        if isWireless {
            return (
                .unavailable, "\(device) is Wi-Fi, where an access point drops what comes from a second MAC",
                "use \(net)=nat, or the device of a cable"
            )
        }
        if let controller {
            return (
                .busy, "\(device) is a port of \(controller), which takes all its frames",
                "connect the NIC to that: \(ParamsLine(net, "\(isBridgePort ? "bridge" : "macvtap"):\(controller)"))"
            )
        }
        guard !isUp else { return nil }
        return (.unavailable, "\(device) is down", .run("bring it up", "ip link set dev \(device) up"))
    }
}
