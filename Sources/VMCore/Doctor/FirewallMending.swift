/// Command lines that let something through a packet filter, and nothing else.
struct FirewallMending {
    let firewall: Firewall

    /// What is bridged there. Docker leaves a chain for such rules: its own stay as they are, and this one outlives its
    /// restart.
    func accept(bridgedOn bridge: String, in chain: Firewall.Chain) -> String {
        guard let program = program(of: chain) else {
            return "\(insertion(at: .forward, for: chain)) iifname \(quoted(bridge)) oifname \(quoted(bridge)) accept"
        }
        let hasDocker = firewall.chains.contains {
            $0.name == "DOCKER-USER" && $0.keeper == chain.keeper && $0.family == chain.family
        }
        let name = shellQuoted(bridge)
        return "\(program) -I \(hasDocker ? "DOCKER-USER" : "FORWARD") -i \(name) -o \(name) -j ACCEPT"
    }

    /// What comes from a port of a bridge, and what goes there.
    func accept(framesOf port: String, in chain: Firewall.Chain) -> String {
        ["iifname", "oifname"].map { "\(insertion(at: .forward, for: chain)) \($0) \(quoted(port)) accept" }.joined(
            separator: " && ")
    }

    /// TCP connections to a port of the host's.
    func accept(connectionsTo port: UInt16, in chain: Firewall.Chain) -> String {
        // Those that keep rules of their own would lose ours.
        if firewall.chains.contains(where: { $0.name.hasPrefix("ufw-") }) { return "ufw allow \(port)/tcp" }
        if chain.table == "firewalld" { return "firewall-cmd --add-port=\(port)/tcp" }
        guard let program = program(of: chain) else {
            return "\(insertion(at: .input, for: chain)) tcp dport \(port) accept"
        }
        return "\(program) -I INPUT -p tcp --dport \(port) -j ACCEPT"
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

    /// The beginning of a line for nft(8) that puts a rule before all others that packets meet at a hook on their way to a
    /// chain.
    private func insertion(at hook: Firewall.Hook, for chain: Firewall.Chain) -> String {
        let first = firewall.chains.first {
            $0.hook == hook && $0.table == chain.table && $0.family == chain.family
        }
        return
            "nft insert rule \(chain.family.rawValue) \(shellQuoted(chain.table)) \(shellQuoted((first ?? chain).name))"
    }

    /// A name of an interface for nft(8), by way of a shell.
    private func quoted(_ name: String) -> String { shellQuoted("\"\(name)\"") }
}
