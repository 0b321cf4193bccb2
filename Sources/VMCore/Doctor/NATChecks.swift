import BridgeNet

/// The host's own filters in the way of the network `nat`: of what VMs on it send out, of the answers, and of what they ask
/// the host for, which are their addresses and names.
enum NATChecks {
    static func all(_ facts: DoctorFacts, _ mending: FirewallMending) -> [Finding] {
        let isWanted = facts.machines.contains { $0.nics.contains { $0.network == Network.nat.description } }
        guard isWanted, let nat = Network.nat.privateBridge?.description else { return [] }
        return outward(nat, facts.waysOut, mending) + services(nat, mending)
    }

    private static func outward(_ nat: String, _ ways: [String], _ mending: FirewallMending) -> [Finding] {
        for way in ways {
            let question = Packet(input: nat, output: way)
            let answer = Packet(input: way, output: nat, isAnswer: true)
            for packet in [question, answer] {
                let fate = mending.firewall.fate(of: packet, at: .forward, in: [.ip, .inet])
                guard case .dropped(let chain, let isSure) = fate else { continue }
                return [
                    FilterChecks.finding(
                        "nat", "\(chain.words) drops what goes between VMs and \(way)", isSure,
                        mend: mending.accept(forwardedFor: nat, in: chain))
                ]
            }
        }
        return []
    }

    private static func services(_ nat: String, _ mending: FirewallMending) -> [Finding] {
        for (name, port) in [("DHCP", UInt16(67)), ("DNS", 53)] {
            let packet = Packet(input: nat, service: .init(transport: "udp", port: port))
            let fate = mending.firewall.fate(of: packet, at: .input, in: [.ip, .inet])
            guard case .dropped(let chain, let isSure) = fate else { continue }
            return [
                FilterChecks.finding(
                    "nat", "\(chain.words) drops what VMs ask this host by \(name)", isSure,
                    mend: mending.accept(inputFrom: nat, in: chain))
            ]
        }
        return []
    }
}
