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

    /// What VMs on it reach. A bridge without an uplink is nothing that is wrong: many are so on purpose.
    private static func reach(_ bridge: BridgeCondition) -> String {
        let uplinks = bridge.uplinks.map(\.name)
        if !uplinks.isEmpty { return "uplink \(uplinks.joined(separator: ", "))" }
        guard bridge.isNamed else { return "no uplink" }
        let join: ShellCommand = "kvmctl net up \(bridge.name) --uplink \(bridge.candidates.first ?? "")"
        let way = bridge.candidates.count == 1 ? "\(command: join)" : "kvmctl net up --uplink"
        let others = bridge.addresses.isEmpty ? "only one another" : "this host, and beyond only what this host routes"
        return "no uplink (VMs on it reach \(others); \(way) gives it one)"
    }

    private static func down(_ bridge: BridgeCondition) -> [Finding] {
        guard !bridge.isUp else { return [] }
        return [
            .problem(
                bridge.name, "is down: no VM on it can start",
                mend: .command("kvmctl net up \(bridge.name)"))
        ]
    }

    private static func carriers(_ bridge: BridgeCondition) -> [Finding] {
        bridge.uplinks.compactMap { carrier($0, bridge) }
    }

    private static func carrier(_ port: PortCondition, _ bridge: BridgeCondition) -> Finding? {
        if !port.isUp {
            return .problem(
                bridge.name, "its uplink \(port.name) is down",
                mend: .command("ip link set dev \(port.name) up"))
        }
        guard !port.hasCarrier else { return nil }
        return .problem(
            bridge.name, "its uplink \(port.name) has no carrier", mend: .step("plug the cable of \(port.name) in"))
    }

    /// A bridge that nobody gave an address has the lowest of its ports'.
    private static func address(_ bridge: BridgeCondition) -> [Finding] {
        guard let mac = bridge.mac else { return [] }
        switch bridge.keepsMAC {
        case true?: return []
        case false?:
            return [
                .warning(
                    bridge.name,
                    "nobody gave it a MAC, so it has the lowest of its ports', and another one as ports come and go: "
                        + "connections of this host freeze then",
                    mend: .command("ip link set dev \(bridge.name) address \(mac)"))
            ]
        case nil:
            return [
                .warning(
                    bridge.name, "whether it keeps its MAC as ports come and go can't be seen",
                    mend: .step("look as root: \(command: "sudo kvmctl doctor")"))
            ]
        }
    }

    private static func spanningTree(_ bridge: BridgeCondition) -> [Finding] {
        guard let delay = bridge.spanningTreeDelay, delay > .zero else { return [] }
        // With one way out there can be no loop; with more, the least that spanning tree allows.
        let option = bridge.uplinks.count < 2 ? ["stp_state", "0"] : ["forward_delay", "200"]
        guard bridge.uplinks.count < 2 || delay > .seconds(2) else { return [] }
        return [
            .warning(
                bridge.name,
                "spanning tree keeps a VM unheard for its first \((delay * 2).components.seconds) s, and DHCP "
                    + "may give up in that time",
                mend: .command("ip link set dev \(bridge.name) type bridge \(option[0]) \(option[1])"))
        ]
    }

    private static func room(_ bridge: BridgeCondition) -> [Finding] {
        let most = BridgeSpec.maximumPorts
        let text = "has \(bridge.ports.count) of at most \(most) ports"
        let mend = Finding.Mend.step("use another bridge for further VMs, or stop some")
        if bridge.ports.count >= most { return [.problem(bridge.name, text, mend: mend)] }
        return bridge.ports.count * 10 >= most * 9 ? [.warning(bridge.name, text, mend: mend)] : []
    }

    /// Taps that no process holds: a QEMU's own vanish with it, but those that the old script made stay.
    private static func leftovers(_ bridge: BridgeCondition) -> [Finding] {
        bridge.ports.filter { $0.isTap && !$0.hasCarrier }.map { tap in
            .warning(
                bridge.name, "the tap \(tap.name) is left over: no process holds it",
                mend: .step("if nothing else will open it again, delete it; ip-link(8) says how"))
        }
    }

    /// Where two interfaces lead to one network, answers leave by one of them, and what comes in by the other is dropped.
    private static func paths(_ bridge: BridgeCondition) -> [Finding] {
        guard bridge.isStrictOnPaths, let rival = bridge.rivals.first else { return [] }
        return [
            .problem(
                bridge.name,
                "\(rival) has an address in the same network, and rp_filter drops what comes in by the one "
                    + "that answers don't leave by",
                mend: .command("sysctl -w net.ipv4.conf.\(sysctlName(bridge.name)).rp_filter=2"))
        ]
    }

    /// In sysctl(8) a dot in an interface's name is written as a slash.
    private static func sysctlName(_ interface: String) -> String {
        String(interface.map { $0 == "." ? "/" : $0 })
    }
}
