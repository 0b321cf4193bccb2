import BridgeNet
import VMCore

extension LaunchPlan {
    /// The steps of a start for the VM's NICs.
    var linkSteps: [String] {
        taps.map { $0.step(alias: name) } + macvtaps.map { $0.step(alias: name) } + policies.flatMap(\.steps)
    }
}

extension LaunchPlan.PlannedTap {
    fileprivate func step(alias: VMName) -> String {
        let mtu = mtu.map(String.init) ?? "of \(bridge)"
        let queues = queues > 1 ? ", \(queues) queues" : ""
        let vlans = vlans.map { ", VLAN \($0)" } ?? ""
        let name = name?.description ?? "the first free tapN"
        return "make \(name), alias \(alias), MTU \(mtu)\(queues), on \(bridge)\(vlans)"
    }

    /// In kvmctl.plan/1.
    var json: JSON {
        [
            "nic": .int(nic), "name": .optional(name?.description), "bridge": .string(bridge.description),
            "queues": .int(queues), "vlans": .optional(vlans?.description),
        ]
    }
}

extension LaunchPlan.PlannedMacvtap {
    fileprivate func step(alias: VMName) -> String {
        let mtu = mtu.map(String.init) ?? "of \(device)"
        let queues = queues > 1 ? ", \(queues) queues" : ""
        let name = name?.description ?? "the first free macvtapN"
        return "make \(name), alias \(alias), MAC \(mac), MTU \(mtu)\(queues), on \(device)"
    }

    /// In kvmctl.plan/1.
    var json: JSON {
        [
            "nic": .int(nic), "name": .optional(name?.description), "device": .string(device.description),
            "queues": .int(queues),
        ]
    }
}

extension PortPolicy {
    fileprivate var steps: [String] {
        [
            rate.map { "limit NET\(nic) to \($0) bits a second, each way" },
            filter.map { "filter what NET\(nic) sends: \($0)" },
        ].compactMap(\.self)
    }

    /// In kvmctl.plan/1.
    var json: JSON {
        ["nic": .int(nic), "rate": .optional(rate?.bitsPerSecond), "filter": .optional(filter?.description)]
    }
}
