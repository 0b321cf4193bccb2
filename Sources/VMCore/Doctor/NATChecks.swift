import BridgeNet

/// The host's own filters that block the network `nat`: what VMs on it send out, the replies, and their DHCP and DNS
/// requests to the host.
enum NATChecks {
    static func all(_ facts: DoctorFacts, _ mending: FirewallFix) -> [Finding] {
        let isWanted = facts.machines.contains { $0.nics.contains { $0.network == Network.nat.description } }
        guard isWanted, let nat = Network.nat.privateBridge?.description else { return [] }
        return outward(nat, facts.waysOut, mending) + services(nat, mending)
    }

    private static func outward(_ nat: String, _ ways: [String], _ mending: FirewallFix) -> [Finding] {
        for way in ways {
            let question = Packet(input: nat, output: way)
            let answer = Packet(input: way, output: nat, isAnswer: true)
            for packet in [question, answer] {
                let fate = mending.firewall.fate(of: packet, at: .forward, in: [.ip, .inet])
                guard case .dropped(let chain, let isSure) = fate else { continue }
                return [
                    FilterChecks.finding(
                        "nat", "\(chain.words) drops packets between VMs and \(way)", isSure,
                        fix: mending.accept(forwardedFor: nat, in: chain))
                ]
            }
        }
        return []
    }

    private static func services(_ nat: String, _ mending: FirewallFix) -> [Finding] {
        for (name, port) in [("DHCP", UInt16(67)), ("DNS", 53)] {
            let packet = Packet(input: nat, service: .init(transport: "udp", port: port))
            let fate = mending.firewall.fate(of: packet, at: .input, in: [.ip, .inet])
            guard case .dropped(let chain, let isSure) = fate else { continue }
            return [
                FilterChecks.finding(
                    "nat", "\(chain.words) drops \(name) requests from VMs to this host", isSure,
                    fix: mending.accept(inputFrom: nat, in: chain))
            ]
        }
        return []
    }
}
