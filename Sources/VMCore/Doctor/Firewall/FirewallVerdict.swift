/// A packet, as far as filters look at it.
struct Packet: Equatable, Sendable {
    /// The interface that it came in by; nil: any but the loopback.
    var input: String?
    /// The interface that it goes out by; nil for a packet to the host itself.
    var output: String?
    /// Whether it goes from one port of a bridge to another, and still passes the IP filters.
    var isBridged = false
    /// The service that it is for; nil: any.
    var service: Service?
    /// Whether it is a reply; else it is the first packet of a connection.
    var isAnswer = false

    struct Service: Equatable, Sendable {
        /// `tcp`, `udp`.
        var transport: String
        var port: UInt16
    }
}

extension Firewall {
    /// What happens to a packet.
    package enum Fate: Equatable {
        case accepted
        /// Dropped there; or perhaps not, if rules that are not understood may have let it through before.
        case dropped(Chain, isSure: Bool)
    }

    /// What happens to a packet at a hook, where it has to pass every chain of these families.
    func fate(of packet: Packet, at hook: Hook, in families: [Family]) -> Fate {
        for chain in chains where chain.hook == hook && families.contains(chain.family) {
            var walk = Walk(firewall: self, packet: packet)
            switch walk.through(chain) {
            case .accept: continue
            case .drop(let place): return .dropped(place, isSure: walk.isSure)
            case .end: if chain.dropsByDefault { return .dropped(chain, isSure: walk.isSure) }
            }
        }
        return .accepted
    }

    /// A packet's way through one base chain.
    private struct Walk {
        let firewall: Firewall
        let packet: Packet
        /// Whether no earlier rule could have accepted it.
        var isSure = true
        private var depth = 0

        package init(firewall: Firewall, packet: Packet) { (self.firewall, self.packet) = (firewall, packet) }

        package enum Outcome: Equatable {
            case accept
            case drop(Chain)
            /// It reached the end, or was returned.
            case end
        }

        mutating func through(_ chain: Chain) -> Outcome {
            // The kernel allows no more (NFT_JUMP_STACK_SIZE), and no loops.
            guard depth < 16 else { return .end }
            depth += 1
            defer { depth -= 1 }
            for rule in chain.rules {
                let matches = packet.matches(rule)
                switch (matches, rule.verdict) {
                case (.no, _), (_, .goOn): continue
                case (.yes, .accept): return .accept
                case (.yes, .drop): return .drop(chain)
                case (.yes, .giveBack): return .end
                case (_, .jump(let name)), (_, .goto(let name)):
                    let outcome = jump(to: name, from: chain, isCertain: matches == .yes)
                    if outcome != .end { return outcome }
                    // A goto does not return here.
                    if case .goto = rule.verdict, matches == .yes { return .end }
                // A rule that may drop or return is assumed not to; one that may accept is remembered.
                case (.maybe, .drop), (.maybe, .giveBack): continue
                case (.maybe, .accept), (_, .unknown): isSure = false
                }
            }
            return .end
        }

        /// The outcome of a jump to a chain; if the jump is not certain, only whether the chain may accept.
        private mutating func jump(to name: String, from chain: Chain, isCertain: Bool) -> Outcome {
            let target = firewall.chains.first {
                $0.name == name && $0.table == chain.table && $0.family == chain.family && $0.keeper == chain.keeper
            }
            guard let target else { return .end }
            let outcome = through(target)
            if isCertain { return outcome }
            if case .accept = outcome { isSure = false }
            return .end
        }
    }
}

extension Packet {
    fileprivate enum Answer { case yes, no, maybe }

    /// Whether a rule matches it.
    fileprivate func matches(_ rule: Firewall.Rule) -> Answer {
        var answer = Answer.yes
        for match in rule.matches {
            switch self.answer(match) {
            case .no: return .no
            case .maybe: answer = .maybe
            case .yes: continue
            }
        }
        return answer
    }

    private func answer(_ match: Firewall.Match) -> Answer {
        let plain: Bool? =
            switch (match.field, match.values) {
            case (.inputInterface, .words(let names)): found(input, in: names, otherwise: names == ["lo"] ? false : nil)
            case (.outputInterface, .words(let names)): found(output, in: names, otherwise: false)
            case (.transport, .words(let names)): service.map { names.contains($0.transport) }
            case (.port, .numbers(let ranges)): service.map { service in ranges.contains { $0.contains(service.port) } }
            case (.bridged, _): isBridged
            // Its destination was not changed.
            case (.status, .words(["dnat"])): false
            case (.state, .words(let states)): states.contains(isAnswer ? "established" : "new")
            default: nil
            }
        guard let plain else { return .maybe }
        return plain != match.isNegated ? .yes : .no
    }

    private func found(_ interface: String?, in names: [String], otherwise: Bool?) -> Bool? {
        guard let interface else { return otherwise }
        return names.contains { name in
            name.hasSuffix("*") ? interface.hasPrefix(name.dropLast()) : interface == name
        }
    }
}
