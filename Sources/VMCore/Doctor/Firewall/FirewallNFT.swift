extension Firewall {
    /// Reads what `nft -j list ruleset` prints (libnftables-json(5)); what is not understood is kept as unknown.
    package init(nftables document: JSON) {
        var tables: Set<String> = []
        defer { self.tables = tables }
        for item in document["nftables"]?.array ?? [] {
            if let table = item["table"], let family = table["family"]?.string, let name = table["name"]?.string {
                tables.insert("\(family) \(name)")
            }
            if let chain = item["chain"].flatMap(Chain.init(nftables:)) { chains.append(chain) }
            guard let rule = item["rule"], let family = rule["family"]?.string.flatMap(Family.init),
                let table = rule["table"]?.string, let name = rule["chain"]?.string,
                let place = chains.firstIndex(where: { $0.family == family && $0.table == table && $0.name == name })
            else { continue }
            chains[place].rules += Rule.all(nftables: rule["expr"]?.array ?? [])
        }
    }
}

extension Firewall.Chain {
    fileprivate init?(nftables json: JSON) {
        guard let family = json["family"]?.string.flatMap(Firewall.Family.init), let table = json["table"]?.string,
            let name = json["name"]?.string
        else { return nil }
        // A chain that only rewrites addresses drops nothing.
        let hook = json["type"]?.string == "filter" ? json["hook"]?.string.flatMap(Firewall.Hook.init) : nil
        self.init(
            keeper: .nft, family: family, table: table, name: name, hook: hook,
            dropsByDefault: json["policy"]?.string == "drop")
    }
}

extension Firewall.Rule {
    /// The rules that a rule's statements amount to: one, or for a verdict map, one for each entry.
    fileprivate static func all(nftables statements: [JSON]) -> [Firewall.Rule] {
        var matches: [Firewall.Match] = []
        for statement in statements {
            guard case .object(let members) = statement, let (key, content) = members.first else { continue }
            switch key {
            case "match": matches += Firewall.Match.all(nftables: content)
            // An iptables extension, which is parsed elsewhere; a comment does not matter.
            case "xt" where content["name"]?.string != "comment":
                matches.append(Firewall.Match(field: .other, values: .unknown))
            case "vmap": return entries(of: content, matches)
            default:
                guard let verdict = Firewall.Verdict(nftables: key, content) else { continue }
                return [Firewall.Rule(matches: matches, verdict: verdict)]
            }
        }
        return [Firewall.Rule(matches: matches, verdict: .goOn)]
    }

    private static func entries(of map: JSON, _ matches: [Firewall.Match]) -> [Firewall.Rule] {
        guard let key = map["key"], let entries = map["data"]?["set"]?.array else {
            return [Firewall.Rule(matches: matches, verdict: .unknown)]
        }
        return entries.map { entry in
            guard let pair = entry.array, pair.count == 2, case .object(let verdicts) = pair[1],
                let (word, content) = verdicts.first
            else { return Firewall.Rule(matches: matches, verdict: .unknown) }
            let condition: JSON = ["op": "==", "left": key, "right": pair[0]]
            return Firewall.Rule(
                matches: matches + Firewall.Match.all(nftables: condition),
                verdict: Firewall.Verdict(nftables: word, content) ?? .goOn)
        }
    }
}

extension Firewall.Verdict {
    /// nil for a statement that decides nothing.
    fileprivate init?(nftables word: String, _ content: JSON) {
        switch word {
        case "accept": self = .accept
        case "drop", "reject": self = .drop
        case "return": self = .giveBack
        case "jump": self = content["target"]?.string.map { .jump($0) } ?? .unknown
        case "goto": self = content["target"]?.string.map { .goto($0) } ?? .unknown
        default: return nil
        }
    }
}

extension Firewall.Match {
    /// One expression may have two conditions: `udp dport` also requires UDP.
    fileprivate static func all(nftables json: JSON) -> [Firewall.Match] {
        let (field, transport) = field(json["left"])
        let values = field == .other ? .unknown : Values(nftables: json["right"] ?? .null)
        let isKnown = ["==", "!=", "in"].contains(json["op"]?.string)
        let match = Firewall.Match(
            field: field, values: isKnown ? values : .unknown, isNegated: json["op"]?.string == "!=")
        return (transport.map { [Firewall.Match(field: .transport, values: .words([$0]))] } ?? []) + [match]
    }

    private static func field(_ left: JSON?) -> (Field, transport: String?) {
        if let payload = left?["payload"], payload["field"]?.string == "dport" {
            let transport = payload["protocol"]?.string
            return (.port, transport == "th" ? nil : transport)
        }
        switch left?["ct"]?["key"]?.string {
        case "state": return (.state, nil)
        case "status": return (.status, nil)
        default: break
        }
        return switch left?["meta"]?["key"]?.string {
        case "iifname", "iif": (.inputInterface, nil)
        case "oifname", "oif": (.outputInterface, nil)
        case "l4proto": (.transport, nil)
        default: (.other, nil)
        }
    }
}

extension Firewall.Match.Values {
    fileprivate init(nftables right: JSON) {
        let all = right["set"]?.array ?? right.array ?? [right]
        let words = all.compactMap(\.string)
        let numbers = all.compactMap(Self.range)
        if words.count == all.count, !words.contains(where: { $0.hasPrefix("@") }) {
            self = .words(words)
        } else if numbers.count == all.count {
            self = .numbers(numbers)
        } else {
            self = .unknown
        }
    }

    private static func range(_ json: JSON) -> ClosedRange<UInt16>? {
        let ends = (json["range"]?.array ?? [json]).compactMap { $0.integer.flatMap { UInt16(exactly: $0) } }
        guard let first = ends.first, let last = ends.last, first <= last else { return nil }
        return first...last
    }
}
