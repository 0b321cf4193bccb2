/// Command lines that let something through a packet filter, and nothing else.
struct FirewallMending {
    let firewall: Firewall

    /// What is bridged there.
    func accept(bridgedOn bridge: String, in chain: Firewall.Chain) -> String {
        guard let insertion = iptables(forwarding: chain) else {
            let rule = "iifname \(quoted(bridge)) oifname \(quoted(bridge)) accept"
            return "\(insertion(at: .forward, for: chain)) \(rule)"
        }
        let name = shellQuoted(bridge)
        return "\(insertion) -i \(name) -o \(name) -j ACCEPT"
    }

    /// What comes from the network of an interface and goes there: what may, its own table says.
    func accept(forwardedFor interface: String, in chain: Firewall.Chain) -> String {
        guard let insertion = iptables(forwarding: chain) else { return accept(framesOf: interface, in: chain) }
        let name = shellQuoted(interface)
        return "\(insertion) -i \(name) -j ACCEPT && \(insertion) -o \(name) -j ACCEPT"
    }

    /// What comes in from an interface, such as a port to the filters of frames, and what goes out there.
    func accept(framesOf port: String, in chain: Firewall.Chain) -> String {
        ["iifname", "oifname"].map { "\(insertion(at: .forward, for: chain)) \($0) \(quoted(port)) accept" }.joined(
            separator: " && ")
    }

    /// TCP connections to a port of the host's.
    func accept(connectionsTo port: UInt16, in chain: Firewall.Chain) -> String {
        // Those that keep rules of their own would lose ours.
        if hasUFW { return "ufw allow \(port)/tcp" }
        if chain.table == "firewalld" { return "firewall-cmd --add-port=\(port)/tcp" }
        guard let program = program(of: chain) else {
            return "\(insertion(at: .input, for: chain)) tcp dport \(port) accept"
        }
        return "\(program) -I INPUT -p tcp --dport \(port) -j ACCEPT"
    }

    /// What comes to the host itself from the network of an interface of kvmctl's own.
    func accept(inputFrom interface: String, in chain: Firewall.Chain) -> String {
        if hasUFW { return "ufw allow in on \(shellQuoted(interface))" }
        guard let program = program(of: chain) else {
            return "\(insertion(at: .input, for: chain)) iifname \(quoted(interface)) accept"
        }
        return "\(program) -I INPUT -i \(shellQuoted(interface)) -j ACCEPT"
    }

    private var hasUFW: Bool { firewall.chains.contains { $0.name.hasPrefix("ufw-") } }

    /// The beginning of a line for iptables(8) that puts a rule before all others for what is forwarded; nil where nft does.
    /// Docker leaves a chain for such rules: its own stay as they are, and this one outlives its restart.
    private func iptables(forwarding chain: Firewall.Chain) -> String? {
        let hasDocker = firewall.chains.contains {
            $0.name == "DOCKER-USER" && $0.keeper == chain.keeper && $0.family == chain.family
        }
        return program(of: chain).map { "\($0) -I \(hasDocker ? "DOCKER-USER" : "FORWARD")" }
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
