import BridgeNet

/// Packet filters between a VM and the rest of the network, and in front of its VNC server.
enum FilterChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        // The tables of kvmctl's own networks are as they should be.
        guard let firewall = facts.filters.firewall?.without(tablesNamed: "kvmctl_") else { return [] }
        let mending = FirewallFix(firewall: firewall)
        let findings =
            facts.bridges.flatMap {
                packets(on: $0, facts.filters, mending) + frames(on: $0, mending)
            }
            + facts.machines.flatMap { vnc(of: $0, mending) } + NATChecks.all(facts, mending)
        return findings.isEmpty && facts.filters.isWhole
            ? [.ok("firewall", "lets through bridged traffic and connections to VNC servers")] : findings
    }

    /// Packets from one port of a bridge to another, if br_netfilter sends them through the IP filters. These see the
    /// bridge as both the input and the output interface.
    private static func packets(
        on bridge: BridgeCondition, _ filters: FilterCondition, _ mending: FirewallFix
    ) -> [Finding] {
        let packet = Packet(input: bridge.name, output: bridge.name, isBridged: true)
        let families: [(Firewall.Family, String, Bool)] = [
            (.ip, "IPv4", filters.seesBridgedIPv4), (.ip6, "IPv6", filters.seesBridgedIPv6),
        ]
        return families.filter(\.2).compactMap { family, protocolName, _ in
            let fate = mending.firewall.fate(of: packet, at: .forward, in: [family, .inet])
            guard case .dropped(let chain, let isSure) = fate else { return nil }
            return finding(
                bridge.name,
                "br_netfilter sends bridged \(protocolName) through the firewall, where \(chain.words) drops it",
                isSure, fix: mending.accept(bridgedOn: bridge.name, in: chain))
        }
    }

    /// Frames from the uplink to a VM and back, in the filters of the bridge family, which see the ports as interfaces.
    private static func frames(on bridge: BridgeCondition, _ mending: FirewallFix) -> [Finding] {
        guard let uplink = bridge.uplinks.first?.name else { return [] }
        let tap = bridge.ports.first(where: \.isTap)?.name ?? "tap0"
        for packet in [Packet(input: uplink, output: tap), Packet(input: tap, output: uplink)] {
            let fate = mending.firewall.fate(of: packet, at: .forward, in: [.bridge])
            guard case .dropped(let chain, let isSure) = fate else { continue }
            return [
                finding(
                    bridge.name, "\(chain.words) drops bridged traffic", isSure,
                    fix: mending.accept(framesOf: uplink, in: chain))
            ]
        }
        return []
    }

    private static func vnc(of machine: MachineCondition, _ mending: FirewallFix) -> [Finding] {
        guard let open = machine.openVNC else { return [] }
        let packet = Packet(service: .init(transport: "tcp", port: open.number))
        // A server that listens on :: can be reached over IPv4 too.
        let isIPv6 = IPAddress(open.address).map { !$0.isIPv4 && !$0.isUnspecified } ?? false
        let fate = mending.firewall.fate(of: packet, at: .input, in: [isIPv6 ? .ip6 : .ip, .inet])
        guard case .dropped(let chain, let isSure) = fate else { return [] }
        return [
            finding(
                machine.name,
                "its VNC server waits for other hosts at port \(open.number), but \(chain.words) drops their packets",
                isSure, fix: mending.accept(connectionsTo: open.number, in: chain))
        ]
    }

    static func finding(_ subject: String, _ text: String, _ isSure: Bool, fix line: ShellCommand) -> Finding {
        isSure
            ? .problem(subject, text, fix: .command(line))
            : .warning(
                subject, "\(text), unless a rule for only some packets lets it through", fix: .command(line))
    }
}
