extension Firewall {
    /// Adds what `iptables-save` prints of its filter table (iptables-save(8)).
    ///
    /// It replaces what nft showed of the same table, as nft only says that there are extensions of iptables, not
    /// which.
    package mutating func add(savedByIPTables text: String, family: Family, keeper: Keeper) {
        var table = ""
        var read: [Chain] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("*") { table = String(line.dropFirst()) }
            guard table == "filter" else { continue }
            if line.hasPrefix(":"), let chain = Chain(declaredBy: line.dropFirst(), family, keeper) {
                read.append(chain)
            } else if line.hasPrefix("-A "), let (name, rule) = Rule.saved(line.dropFirst(3)),
                let place = read.firstIndex(where: { $0.name == name })
            {
                read[place].rules.append(rule)
            }
        }
        if keeper == .iptables, !read.isEmpty {
            chains.removeAll { $0.keeper == .nft && $0.family == family && $0.table == "filter" }
        }
        chains += read
    }
}

extension Firewall.Chain {
    /// Parses `FORWARD DROP [0:0]`.
    fileprivate init?(declaredBy line: Substring, _ family: Firewall.Family, _ keeper: Firewall.Keeper) {
        let words = line.split(separator: " ")
        guard words.count >= 2 else { return nil }
        let hook: Firewall.Hook? =
            switch words[0] {
            case "FORWARD": .forward
            case "INPUT": .input
            default: nil
            }
        self.init(
            keeper: keeper, family: family, table: "filter", name: String(words[0]), hook: hook,
            dropsByDefault: words[1] == "DROP")
    }
}

extension Firewall.Rule {
    /// Parses `FORWARD -i br0 -o br0 -j ACCEPT` into the chain and the rule.
    fileprivate static func saved(_ line: Substring) -> (chain: String, rule: Firewall.Rule)? {
        var words = words(of: line)[...]
        guard let chain = words.popFirst() else { return nil }
        var rule = Firewall.Rule(matches: [], verdict: .goOn)
        var isNegated = false
        while let option = words.popFirst() {
            if option == "!" {
                isNegated = true
                continue
            }
            rule.read(option, &words, isNegated: isNegated)
            isNegated = false
        }
        return (chain, rule)
    }

    private mutating func read(_ option: String, _ words: inout ArraySlice<String>, isNegated: Bool) {
        func add(_ field: Firewall.Match.Field, _ values: Firewall.Match.Values) {
            matches.append(Firewall.Match(field: field, values: values, isNegated: isNegated))
        }
        switch option {
        case "-i": add(.inputInterface, .words([Self.pattern(words.popFirst())]))
        case "-o": add(.outputInterface, .words([Self.pattern(words.popFirst())]))
        case "-p": add(.transport, .words([words.popFirst() ?? ""]))
        case "--dport", "--dports": add(.port, Self.ports(words.popFirst()))
        case "--ctstate", "--state":
            add(.state, .words((words.popFirst() ?? "").split(separator: ",").map { $0.lowercased() }))
        case "--physdev-is-bridged": add(.bridged, .words([]))
        // Names the extension that the next options belong to.
        case "-m": _ = words.popFirst()
        // Comments don't matter, nor how it rejects.
        case "--comment", "--reject-with": _ = words.popFirst()
        case "-j": verdict = Self.verdict(words.popFirst() ?? "")
        case "-g": verdict = words.popFirst().map { .goto($0) } ?? .unknown
        case "--log-prefix", "--nflog-prefix": _ = words.popFirst()
        // The value of another option, or an option of the target, which come last.
        case _ where !option.hasPrefix("-") || verdict != .goOn: break
        default: add(.other, .unknown)
        }
    }

    /// The wildcard of iptables is a plus.
    private static func pattern(_ name: String?) -> String {
        guard let name, name.hasSuffix("+") else { return name ?? "" }
        return name.dropLast() + "*"
    }

    private static func ports(_ text: String?) -> Firewall.Match.Values {
        let ranges = (text ?? "").split(separator: ",").compactMap { item -> ClosedRange<UInt16>? in
            let ends = item.split(separator: ":").compactMap { UInt16($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return nil }
            return first...last
        }
        return ranges.isEmpty ? .unknown : .numbers(ranges)
    }

    private static func verdict(_ target: String) -> Firewall.Verdict {
        switch target {
        case "ACCEPT": .accept
        case "DROP", "REJECT": .drop
        case "RETURN": .giveBack
        // Targets that decide nothing, or that don't occur in filter tables; any other name may be a chain.
        case "LOG", "MARK", "NFLOG", "CONNMARK", "TCPMSS", "AUDIT", "SET": .goOn
        default: .jump(target)
        }
    }

    /// The words of a line. A word with blanks is in double quotes, with a backslash before quotes within it.
    private static func words(of line: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var (isQuoted, isEscaped) = (false, false)
        for character in line {
            switch character {
            case _ where isEscaped:
                word.append(character)
                isEscaped = false
            case "\\": isEscaped = true
            case "\"": isQuoted.toggle()
            case " " where !isQuoted:
                words.append(word)
                word = ""
            default: word.append(character)
            }
        }
        return (words + [word]).filter { !$0.isEmpty }
    }
}
