import BridgeNet

/// Each bridge by itself: whether it is up, leads anywhere, and has room.
enum BridgeChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        facts.bridges.flatMap { bridge -> [Finding] in
            let findings = [down, carriers, address, spanningTree, room, leftovers, paths].flatMap { $0(bridge) }
            return findings.isEmpty ? [.ok(bridge.name, summary(bridge))] : findings
        }
    }

    private static func summary(_ bridge: BridgeCondition) -> String {
        "up, \(reach(bridge)), MTU \(bridge.mtu), \(bridge.ports.count) of \(BridgeSpec.maximumPorts) ports"
    }

    /// What VMs on it can reach. A bridge without an uplink is not a fault: many have none on purpose.
    private static func reach(_ bridge: BridgeCondition) -> String {
        let uplinks = bridge.uplinks.map(\.name)
        if !uplinks.isEmpty { return "uplink \(uplinks.joined(separator: ", "))" }
        guard bridge.isNamed else { return "no uplink" }
        let join: ShellCommand = "kvmctl net up \(bridge.name) --uplink \(bridge.candidates.first ?? "")"
        let way = bridge.candidates.count == 1 ? "\(command: join)" : "kvmctl net up --uplink"
        let others = bridge.addresses.isEmpty ? "only each other" : "this host, and beyond it what this host routes"
        return "no uplink (VMs on it reach \(others); \(way) adds one)"
    }

    private static func down(_ bridge: BridgeCondition) -> [Finding] {
        guard !bridge.isUp else { return [] }
        return [
            .problem(
                bridge.name, "is down: no VM on it can start",
                fix: .command("kvmctl net up \(bridge.name)"))
        ]
    }

    private static func carriers(_ bridge: BridgeCondition) -> [Finding] {
        bridge.uplinks.compactMap { carrier($0, bridge) }
    }

    private static func carrier(_ port: PortCondition, _ bridge: BridgeCondition) -> Finding? {
        if !port.isUp {
            return .problem(
                bridge.name, "its uplink \(port.name) is down",
                fix: .command("ip link set dev \(port.name) up"))
        }
        guard !port.hasCarrier else { return nil }
        return .problem(
            bridge.name, "its uplink \(port.name) has no carrier", fix: .step("plug in the cable of \(port.name)"))
    }

    /// A bridge whose MAC was never set has the lowest MAC of its ports.
    private static func address(_ bridge: BridgeCondition) -> [Finding] {
        guard let mac = bridge.mac else { return [] }
        switch bridge.keepsMAC {
        case true?: return []
        case false?:
            return [
                .warning(
                    bridge.name,
                    "its MAC was never set, so it has the lowest of its ports', which changes as ports come and go: "
                        + "this host's connections then freeze",
                    fix: .command("ip link set dev \(bridge.name) address \(mac)"))
            ]
        case nil:
            return [
                .warning(
                    bridge.name, "can't tell whether it keeps its MAC as ports come and go",
                    fix: .step("look as root: \(command: "sudo kvmctl doctor")"))
            ]
        }
    }

    private static func spanningTree(_ bridge: BridgeCondition) -> [Finding] {
        guard let delay = bridge.spanningTreeDelay, delay > .zero else { return [] }
        // With one uplink there can be no loop; with more, this is the shortest delay that spanning tree allows.
        let option = bridge.uplinks.count < 2 ? ["stp_state", "0"] : ["forward_delay", "200"]
        guard bridge.uplinks.count < 2 || delay > .seconds(2) else { return [] }
        return [
            .warning(
                bridge.name,
                "spanning tree blocks a VM's traffic for its first \((delay * 2).components.seconds) s, and DHCP "
                    + "may give up in that time",
                fix: .command("ip link set dev \(bridge.name) type bridge \(option[0]) \(option[1])"))
        ]
    }

    private static func room(_ bridge: BridgeCondition) -> [Finding] {
        let most = BridgeSpec.maximumPorts
        let text = "has \(bridge.ports.count) of at most \(most) ports"
        let fix = Finding.Fix.step("use another bridge for further VMs, or stop some")
        if bridge.ports.count >= most { return [.problem(bridge.name, text, fix: fix)] }
        return bridge.ports.count * 10 >= most * 9 ? [.warning(bridge.name, text, fix: fix)] : []
    }

    /// Taps that no process holds: those of kvmctl vanish with QEMU, but those that the 2010 script made stay.
    private static func leftovers(_ bridge: BridgeCondition) -> [Finding] {
        bridge.ports.filter { $0.isTap && !$0.hasCarrier }.map { tap in
            .warning(
                bridge.name, "the tap \(tap.name) is orphaned: no process holds it",
                fix: .step("if nothing will open it again, delete it (ip-link(8))"))
        }
    }

    /// If two interfaces lead to one network, replies leave by one of them, and what arrives on the other is dropped.
    private static func paths(_ bridge: BridgeCondition) -> [Finding] {
        guard bridge.isStrictOnPaths, let rival = bridge.rivals.first else { return [] }
        return [
            .problem(
                bridge.name,
                "\(rival) has an address in the same network, and rp_filter drops what arrives on the one "
                    + "that replies don't leave by",
                fix: .command("sysctl -w net.ipv4.conf.\(sysctlName(bridge.name)).rp_filter=2"))
        ]
    }

    /// In sysctl(8) a dot in an interface's name is written as a slash.
    private static func sysctlName(_ interface: String) -> String {
        String(interface.map { $0 == "." ? "/" : $0 })
    }
}
