import Testing

@testable import VMCore

/// What happens to a packet, according to what nft and iptables-save print.
@Suite struct FirewallTests {
    private static func nft(_ items: String...) throws -> Firewall {
        Firewall(nftables: try JSON(parsing: "{\"nftables\": [\(items.joined(separator: ","))]}".utf8))
    }

    private static func chain(_ name: String, _ hook: String? = nil, policy: String = "drop") -> String {
        let base = hook.map { ", \"type\": \"filter\", \"hook\": \"\($0)\", \"policy\": \"\(policy)\"" } ?? ""
        return "{\"chain\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"\(name)\"\(base)}}"
    }

    private static func rule(_ chain: String, _ statements: String) -> String {
        "{\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"\(chain)\", \"expr\": [\(statements)]}}"
    }

    private static func match(_ left: String, _ right: String, _ op: String = "==") -> String {
        "{\"match\": {\"op\": \"\(op)\", \"left\": \(left), \"right\": \(right)}}"
    }

    private static let port = #"{"payload": {"protocol": "tcp", "field": "dport"}}"#
    private static let state = #"{"ct": {"key": "state"}}"#
    private static let input = #"{"meta": {"key": "iifname"}}"#
    private static let source = #"{"payload": {"protocol": "ip", "field": "saddr"}}"#
    private static let accept = #"{"accept": null}"#

    /// What happens to a connection to port 5901 in a chain with this one rule, which otherwise drops.
    private func fate(_ statements: String) throws -> String {
        let firewall = try Self.nft(Self.chain("in", "input"), Self.rule("in", statements))
        return Self.word(
            firewall.fate(of: Packet(service: .init(transport: "tcp", port: 5901)), at: .input, in: [.ip, .inet]))
    }

    private static func word(_ fate: Firewall.Fate) -> String {
        switch fate {
        case .accepted: "accepted"
        case .dropped(let chain, isSure: true): "dropped by \(chain.name)"
        case .dropped(let chain, isSure: false): "perhaps dropped by \(chain.name)"
        }
    }

    @Test(
        arguments: [
            (match(port, "5901"), "accepted"), (match(port, "22"), "dropped by in"),
            (match(port, "22", "!="), "accepted"),
            (match(port, #"{"set": [22, {"range": [5900, 5910]}]}"#), "accepted"),
            (match(port, #""@names""#), "perhaps dropped by in"), (match(port, "5900", ">"), "perhaps dropped by in"),
            (match(state, #"["established", "related"]"#, "in"), "dropped by in"),
            (match(state, #"["new", "established"]"#, "in"), "accepted"),
            (match(input, #""lo""#), "dropped by in"), (match(input, #""br0""#), "perhaps dropped by in"),
            (match(source, #""10.0.0.1""#), "perhaps dropped by in"),
            (match(#"{"meta": {"key": "l4proto"}}"#, #"{"set": ["udp", "icmp"]}"#), "dropped by in"),
            (match(#"{"payload": {"protocol": "udp", "field": "dport"}}"#, "5901"), "dropped by in"),
            (match(#"{"ct": {"key": "status"}}"#, #""dnat""#), "dropped by in"),
            (#"{"counter": {}}, {"limit": {"rate": 1}}"#, "accepted"),
        ])
    func oneCondition(_ condition: String, _ wanted: String) throws {
        #expect(try fate("\(condition), \(Self.accept)") == wanted)
    }

    @Test func verdictMaps() throws {
        let map = { (key: String, data: String) in #"{"vmap": {"key": \#(key), "data": \#(data)}}"# }
        #expect(
            try fate(map(Self.state, #"{"set": [["established", {"accept": null}], ["new", {"drop": null}]]}"#))
                == "dropped by in")
        #expect(try fate(map(Self.port, #"{"set": [[5901, {"accept": null}]]}"#)) == "accepted")
        #expect(try fate(map(Self.port, #""@names""#)) == "perhaps dropped by in")
    }

    @Test func jumpsComeBackAndGotosDoNot() throws {
        let jump = { (word: String) in #"{"\#(word)": {"target": "sub"}}"# }
        for (word, wanted) in [("jump", "accepted"), ("goto", "dropped by in")] {
            let firewall = try Self.nft(
                Self.chain("in", "input"), Self.chain("sub"), Self.rule("in", jump(word)), Self.rule("in", Self.accept),
                Self.rule("sub", "\(Self.match(Self.port, "22")), {\"drop\": null}"))
            #expect(
                Self.word(
                    firewall.fate(of: Packet(service: .init(transport: "tcp", port: 5901)), at: .input, in: [.inet]))
                    == wanted)
        }
    }

    @Test func aLoopOfJumpsEnds() throws {
        let firewall = try Self.nft(
            Self.chain("in", "input"), Self.rule("in", #"{"jump": {"target": "in"}}"#))
        #expect(Self.word(firewall.fate(of: Packet(), at: .input, in: [.inet])) == "dropped by in")
    }

    /// Docker's rules of 2024, as iptables-save prints them, and what nft shows of the same table.
    private func docker(_ more: String = "") throws -> Firewall {
        var firewall = try Self.nft(
            #"{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "type": "filter", "hook": "forward"}}"#,
            Self.chain("passing", "forward", policy: "accept"))
        firewall.add(
            savedByIPTables: """
                # Generated by iptables-save v1.8.9 (nf_tables)
                *nat
                :FORWARD DROP [0:0]
                COMMIT
                *filter
                :INPUT ACCEPT [0:0]
                :FORWARD DROP [12:720]
                :DOCKER - [0:0]
                :DOCKER-USER - [0:0]
                -A FORWARD -j DOCKER-USER
                -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
                -A FORWARD -o docker0 -j DOCKER
                -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
                -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
                \(more)
                -A DOCKER-USER -j RETURN
                COMMIT
                """, family: .ip, keeper: .iptables)
        return firewall
    }

    @Test(arguments: [
        ("", "dropped by FORWARD"), ("-A DOCKER-USER -i br0 -o br0 -j ACCEPT", "accepted"),
        ("-A DOCKER-USER -i br+ -j ACCEPT", "accepted"), ("-A DOCKER-USER ! -i br0 -j ACCEPT", "dropped by FORWARD"),
        ("-A DOCKER-USER -m physdev --physdev-is-bridged -j ACCEPT", "accepted"),
        ("-A DOCKER-USER -m comment --comment \"let it be\" -j ACCEPT", "accepted"),
        ("-A DOCKER-USER -s 10.0.0.0/8 -j ACCEPT", "perhaps dropped by FORWARD"),
        ("-A DOCKER-USER -m set --match-set mine src -j DROP", "dropped by FORWARD"),
        ("-A DOCKER-USER -j DROP", "dropped by DOCKER-USER"),
        ("-A DOCKER-USER -j LOG --log-prefix \"it is \\\"-j ACCEPT\\\" -j ACCEPT\"", "dropped by FORWARD"),
        ("-A DOCKER-USER -m comment --comment \"-j ACCEPT\" -j RETURN", "dropped by FORWARD"),
    ])
    func bridgedPackets(_ rule: String, _ wanted: String) throws {
        let packet = Packet(input: "br0", output: "br0", isBridged: true)
        #expect(Self.word(try docker(rule).fate(of: packet, at: .forward, in: [.ip, .inet])) == wanted)
    }

    @Test(arguments: [
        ("-A INPUT -p tcp -m tcp --dport 5900:5910 -j ACCEPT", "accepted"),
        ("-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT", "dropped by INPUT"),
        ("-A INPUT -p udp -j ACCEPT", "dropped by INPUT"), ("-A INPUT -g elsewhere", "dropped by INPUT"),
        ("-A INPUT -m state --state NEW -j ACCEPT", "accepted"),
        ("-A INPUT -p tcp -j REJECT --reject-with tcp-reset", "dropped by INPUT"),
    ])
    func connectionsToTheHost(_ rule: String, _ wanted: String) throws {
        var firewall = Firewall()
        firewall.add(
            savedByIPTables: "*filter\n:INPUT DROP [0:0]\n\(rule)\nCOMMIT\n", family: .ip, keeper: .legacyIPTables)
        #expect(
            Self.word(
                firewall.fate(of: Packet(service: .init(transport: "tcp", port: 5901)), at: .input, in: [.ip, .inet]))
                == wanted)
    }

    @Test(arguments: [
        ("-A DOCKER-USER -i kvmnat0 -j ACCEPT", "dropped by FORWARD"),
        ("-A DOCKER-USER -o kvmnat0 -j ACCEPT", "accepted"),
        ("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "accepted"),
        ("-A FORWARD -m conntrack --ctstate NEW -j ACCEPT", "dropped by FORWARD"),
    ])
    func answers(_ rule: String, _ wanted: String) throws {
        let packet = Packet(input: "eth0", output: "kvmnat0", isAnswer: true)
        #expect(Self.word(try docker(rule).fate(of: packet, at: .forward, in: [.ip, .inet])) == wanted)
    }

    @Test func mendsGoWhereTheyAreKept() throws {
        let chain = Firewall.Chain(keeper: .iptables, family: .ip, table: "filter", name: "FORWARD", hook: .forward)
        let ufw = Firewall.Chain(keeper: .iptables, family: .ip, table: "filter", name: "ufw-user-input")
        let firewalld = Firewall.Chain(
            keeper: .nft, family: .inet, table: "firewalld", name: "filter_INPUT", hook: .input)
        let zone = Firewall.Chain(keeper: .nft, family: .inet, table: "firewalld", name: "filter_IN_public")
        let plain = FirewallFix(firewall: Firewall(chains: [chain]))
        #expect(plain.accept(connectionsTo: 5901, in: chain) == "iptables -I INPUT -p tcp --dport 5901 -j ACCEPT")
        #expect(plain.accept(inputFrom: "kvmnat0", in: chain) == "iptables -I INPUT -i kvmnat0 -j ACCEPT")
        let withUFW = FirewallFix(firewall: Firewall(chains: [chain, ufw]))
        #expect(withUFW.accept(connectionsTo: 5901, in: chain) == "ufw allow 5901/tcp")
        #expect(withUFW.accept(inputFrom: "kvmnat0", in: chain) == "ufw allow in on kvmnat0")
        let red = FirewallFix(firewall: Firewall(chains: [firewalld, zone]))
        #expect(red.accept(connectionsTo: 5901, in: zone) == "firewall-cmd --add-port=5901/tcp")
        #expect(
            red.accept(inputFrom: "kvmnat0", in: zone)
                .description
                == "nft insert rule inet firewalld filter_INPUT iifname '\"kvmnat0\"' accept")
    }
}
