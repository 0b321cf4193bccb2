/// Command lines that let something through a packet filter, and nothing else.
struct FirewallMending {
    let firewall: Firewall

    /// What is bridged there.
    func accept(bridgedOn bridge: String, in chain: Firewall.Chain) -> ShellCommand {
        guard let insertion = iptables(forwarding: chain) else {
            return nft(["iifname", quoted(bridge), "oifname", quoted(bridge), "accept"], at: .forward, for: chain)
        }
        return ShellCommand(words: insertion + ["-i", bridge, "-o", bridge, "-j", "ACCEPT"])
    }

    /// What comes from the network of an interface and goes there: what may, its own table says.
    func accept(forwardedFor interface: String, in chain: Firewall.Chain) -> ShellCommand {
        guard let insertion = iptables(forwarding: chain) else { return accept(framesOf: interface, in: chain) }
        let outward = ShellCommand(words: insertion + ["-i", interface, "-j", "ACCEPT"])
        return outward.and(ShellCommand(words: insertion + ["-o", interface, "-j", "ACCEPT"]))
    }

    /// What comes in from an interface, such as a port to the filters of frames, and what goes out there.
    func accept(framesOf port: String, in chain: Firewall.Chain) -> ShellCommand {
        let inward = nft(["iifname", quoted(port), "accept"], at: .forward, for: chain)
        return inward.and(nft(["oifname", quoted(port), "accept"], at: .forward, for: chain))
    }

    /// TCP connections to a port of the host's.
    func accept(connectionsTo port: UInt16, in chain: Firewall.Chain) -> ShellCommand {
        // Those that keep rules of their own would lose ours.
        if hasUFW { return "ufw allow \(port)/tcp" }
        if chain.table == "firewalld" { return "firewall-cmd --add-port=\(port)/tcp" }
        guard let program = program(of: chain) else {
            return nft(["tcp", "dport", "\(port)", "accept"], at: .input, for: chain)
        }
        return "\(program) -I INPUT -p tcp --dport \(port) -j ACCEPT"
    }

    /// What comes to the host itself from the network of an interface of kvmctl's own.
    func accept(inputFrom interface: String, in chain: Firewall.Chain) -> ShellCommand {
        if hasUFW { return "ufw allow in on \(interface)" }
        guard let program = program(of: chain) else {
            return nft(["iifname", quoted(interface), "accept"], at: .input, for: chain)
        }
        return "\(program) -I INPUT -i \(interface) -j ACCEPT"
    }

    private var hasUFW: Bool { firewall.chains.contains { $0.name.hasPrefix("ufw-") } }

    /// The beginning of a line for iptables(8) that puts a rule before all others for what is forwarded; nil where nft does.
    /// Docker leaves a chain for such rules: its own stay as they are, and this one outlives its restart.
    private func iptables(forwarding chain: Firewall.Chain) -> [String]? {
        let hasDocker = firewall.chains.contains {
            $0.name == "DOCKER-USER" && $0.keeper == chain.keeper && $0.family == chain.family
        }
        return program(of: chain).map { [$0, "-I", hasDocker ? "DOCKER-USER" : "FORWARD"] }
    }

    /// The program of iptables that keeps a chain; nil where nft does.
    private func program(of chain: Firewall.Chain) -> String? {
        let name = chain.family == .ip6 ? "ip6tables" : "iptables"
        return switch chain.keeper {
        case .nft: nil
        case .iptables: name
        case .legacyIPTables: "\(name)-legacy"
        }
    }

    /// The line for nft(8) that puts a rule before all others that packets meet at a hook on their way to a chain.
    private func nft(_ rule: [String], at hook: Firewall.Hook, for chain: Firewall.Chain) -> ShellCommand {
        let first = firewall.chains.first {
            $0.hook == hook && $0.table == chain.table && $0.family == chain.family
        }
        let place = [chain.family.rawValue, chain.table, (first ?? chain).name]
        return ShellCommand(words: ["nft", "insert", "rule"] + place + rule)
    }

    /// A name of an interface for nft(8).
    private func quoted(_ name: String) -> String { "\"\(name)\"" }
}
