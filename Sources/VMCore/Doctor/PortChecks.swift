import BridgeNet

/// The ports of a bridge: MTUs that don't fit, addresses in the wrong place, other programs that configure them.
enum PortChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        facts.bridges.flatMap { bridge in
            bridge.uplinks.flatMap { addresses($0, bridge) + manager($0, bridge) }
                + bridge.ports.flatMap { size($0, bridge) + vlan($0, bridge, facts.machines) }
                + strangers(bridge, facts)
        }
    }

    /// An address on a port no longer works: what comes in belongs to the bridge.
    private static func addresses(_ port: PortCondition, _ bridge: BridgeCondition) -> [Finding] {
        guard !port.addresses.isEmpty else { return [] }
        return [
            .problem(
                bridge.name,
                "\(port.addresses.joined(separator: ", ")) is still on its uplink \(port.name), where it does "
                    + "not answer",
                fix: .command("kvmctl net up \(bridge.name) --uplink \(port.name)"))
        ]
    }

    private static func manager(_ port: PortCondition, _ bridge: BridgeCondition) -> [Finding] {
        let persist: ShellCommand = "kvmctl net persist \(bridge.name)"
        return switch port.manager {
        case .networkd(let file):
            [
                .warning(
                    bridge.name,
                    "systemd-networkd configures its uplink \(port.name) with \(file), and takes it back when "
                        + "it reloads",
                    fix: .command(persist.and("networkctl reload")))
            ]
        case .networkManager:
            [
                .warning(
                    bridge.name,
                    "NetworkManager configures its uplink \(port.name), and takes it back when it connects",
                    fix: .command("nmcli device set \(port.name) managed no"))
            ]
        case nil: []
        }
    }

    private static func size(_ port: PortCondition, _ bridge: BridgeCondition) -> [Finding] {
        func set(_ device: String, _ mtu: Int) -> Finding.Fix {
            .command("ip link set dev \(device) mtu \(mtu)")
        }
        if port.mtu > bridge.mtu {
            return [
                .warning(
                    bridge.name,
                    "its MTU is \(bridge.mtu), but that of \(port.name) is \(port.mtu): larger packets from "
                        + "there are lost",
                    fix: set(bridge.name, port.mtu))
            ]
        }
        // A VM with a smaller MTU was configured so, and its guest knows.
        guard port.mtu < bridge.mtu, !port.isTap else { return [] }
        return [
            .problem(
                bridge.name,
                "its MTU is \(bridge.mtu), but its uplink \(port.name) carries only \(port.mtu): larger packets "
                    + "are lost silently",
                fix: set(port.name, bridge.mtu))
        ]
    }

    /// A VM that sets no VLANs, on a port that has no VLAN for untagged frames.
    private static func vlan(
        _ port: PortCondition, _ bridge: BridgeCondition, _ machines: [MachineCondition]
    ) -> [Finding] {
        guard bridge.filtersVLANs, !port.hasUntaggedVLAN, port.isTap,
            let machine = machines.first(where: { $0.name == port.alias }),
            machine.nics.allSatisfy({ $0.bridge != bridge.name || !$0.hasVLANs })
        else { return [] }
        return [
            .problem(
                machine.name,
                "\(port.name) has no VLAN for untagged frames on \(bridge.name): what it sends is dropped",
                fix: .command("bridge vlan add dev \(port.name) vid 1 pvid untagged"))
        ]
    }

    /// A VM's MAC that is also heard from elsewhere, or that the host itself has.
    private static func strangers(_ bridge: BridgeCondition, _ facts: DoctorFacts) -> [Finding] {
        let taken = Set(facts.machines.flatMap(\.nics).map(\.mac) + bridge.uplinks.flatMap(\.heard))
        return facts.machines.flatMap { machine in
            machine.nics.filter { $0.bridge == bridge.name }.compactMap { nic in
                guard let owner = owner(of: nic.mac, on: bridge) else { return nil }
                return .problem(
                    machine.name,
                    "NET\(nic.index) has the MAC \(nic.mac), which \(owner) has too: only one can be reached",
                    fix: .command(MachineChecks.newAddress(for: nic, of: machine, besides: taken)))
            }
        }
    }

    private static func owner(of mac: MACAddress, on bridge: BridgeCondition) -> String? {
        if bridge.mac == mac { return "the bridge \(bridge.name)" }
        for port in bridge.uplinks {
            if port.mac == mac { return "the host's \(port.name)" }
            if port.heard.contains(mac) { return "somebody behind \(port.name)" }
        }
        return nil
    }
}
