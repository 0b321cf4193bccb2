import BridgeNet
import VMCore

extension LaunchPlan {
    /// The steps of a start for the VM's NICs.
    var networkSteps: [String] {
        let made = taps.map { $0.text(alias: name) } + macvtaps.map { $0.text(alias: name) }
        return (made + policies.flatMap(\.steps)).map { "  \($0)" }
    }
}

extension LaunchPlan.PlannedTap {
    fileprivate func text(alias: VMName) -> String {
        let mtu = mtu.map(String.init) ?? "of \(bridge)"
        let queues = queues > 1 ? ", \(queues) queues" : ""
        let vlans = vlans.map { ", VLAN \($0)" } ?? ""
        return
            "make \(name?.description ?? "the first free tapN"), alias \(alias), MTU \(mtu)\(queues), on \(bridge)\(vlans)"
    }

    /// As JSON, in kvmctl.plan/1.
    var json: JSON {
        [
            "nic": .integer(Int64(nic)), "name": .optional(name?.description), "bridge": .string(bridge.description),
            "queues": .integer(Int64(queues)), "vlans": .optional(vlans?.description),
        ]
    }
}

extension LaunchPlan.PlannedMacvtap {
    fileprivate func text(alias: VMName) -> String {
        let mtu = mtu.map(String.init) ?? "of \(device)"
        let queues = queues > 1 ? ", \(queues) queues" : ""
        let name = name?.description ?? "the first free macvtapN"
        return "make \(name), alias \(alias), MAC \(mac), MTU \(mtu)\(queues), on \(device)"
    }

    /// As JSON, in kvmctl.plan/1.
    var json: JSON {
        [
            "nic": .integer(Int64(nic)), "name": .optional(name?.description), "device": .string(device.description),
            "queues": .integer(Int64(queues)),
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

    /// As JSON, in kvmctl.plan/1.
    var json: JSON {
        [
            "nic": .integer(Int64(nic)), "rate": rate.map { .integer($0.bitsPerSecond) } ?? .null,
            "filter": .optional(filter?.description),
        ]
    }
}
