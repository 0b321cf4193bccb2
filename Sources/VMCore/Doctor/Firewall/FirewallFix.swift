/// Commands that let one thing through a packet filter, and nothing else.
struct FirewallFix {
    let firewall: Firewall

    /// Accepts bridged packets.
    func accept(bridgedOn bridge: String, in chain: Firewall.Chain) -> ShellCommand {
        guard let insertion = iptables(forwarding: chain) else {
            return nft(["iifname", quoted(bridge), "oifname", quoted(bridge), "accept"], at: .forward, for: chain)
        }
        return ShellCommand(words: insertion + ["-i", bridge, "-o", bridge, "-j", "ACCEPT"])
    }

    /// Accepts forwarded packets from and to the network of an interface: the network's own table decides what is
    /// allowed.
    func accept(forwardedFor interface: String, in chain: Firewall.Chain) -> ShellCommand {
        guard let insertion = iptables(forwarding: chain) else { return accept(framesOf: interface, in: chain) }
        let outward = ShellCommand(words: insertion + ["-i", interface, "-j", "ACCEPT"])
        return outward.and(ShellCommand(words: insertion + ["-o", interface, "-j", "ACCEPT"]))
    }

    /// Accepts what comes in or goes out by an interface, such as a port in the filters of the bridge family.
    func accept(framesOf port: String, in chain: Firewall.Chain) -> ShellCommand {
        let inward = nft(["iifname", quoted(port), "accept"], at: .forward, for: chain)
        return inward.and(nft(["oifname", quoted(port), "accept"], at: .forward, for: chain))
    }

    /// Accepts TCP connections to a host port.
    func accept(connectionsTo port: UInt16, in chain: Firewall.Chain) -> ShellCommand {
        // Tools that manage their own rules would drop one that was added beside them.
        if hasUFW { return "ufw allow \(port)/tcp" }
        if chain.table == "firewalld" { return "firewall-cmd --add-port=\(port)/tcp" }
        guard let program = program(of: chain) else {
            return nft(["tcp", "dport", "\(port)", "accept"], at: .input, for: chain)
        }
        return "\(program) -I INPUT -p tcp --dport \(port) -j ACCEPT"
    }

    /// Accepts packets to the host itself from one of kvmctl's own networks.
    func accept(inputFrom interface: String, in chain: Firewall.Chain) -> ShellCommand {
        if hasUFW { return "ufw allow in on \(interface)" }
        guard let program = program(of: chain) else {
            return nft(["iifname", quoted(interface), "accept"], at: .input, for: chain)
        }
        return "\(program) -I INPUT -i \(interface) -j ACCEPT"
    }

    private var hasUFW: Bool { firewall.chains.contains { $0.name.hasPrefix("ufw-") } }

    /// The beginning of an iptables(8) command that inserts a rule before all others for forwarded packets; nil if nft
    /// manages the chain. Docker provides a chain for such rules, which it leaves alone when it restarts.
    private func iptables(forwarding chain: Firewall.Chain) -> [String]? {
        let hasDocker = firewall.chains.contains {
            $0.name == "DOCKER-USER" && $0.keeper == chain.keeper && $0.family == chain.family
        }
        return program(of: chain).map { [$0, "-I", hasDocker ? "DOCKER-USER" : "FORWARD"] }
    }

    /// The iptables program that manages a chain; nil if nft does.
    private func program(of chain: Firewall.Chain) -> String? {
        let name = chain.family == .ip6 ? "ip6tables" : "iptables"
        return switch chain.keeper {
        case .nft: nil
        case .iptables: name
        case .legacyIPTables: "\(name)-legacy"
        }
    }

    /// The nft(8) command that inserts a rule before all others that packets pass at a hook on their way to a chain.
    private func nft(_ rule: [String], at hook: Firewall.Hook, for chain: Firewall.Chain) -> ShellCommand {
        let first = firewall.chains.first {
            $0.hook == hook && $0.table == chain.table && $0.family == chain.family
        }
        let place = [chain.family.rawValue, chain.table, (first ?? chain).name]
        return ShellCommand(words: ["nft", "insert", "rule"] + place + rule)
    }

    /// The name of an interface, as nft(8) takes it.
    private func quoted(_ name: String) -> String { "\"\(name)\"" }
}
