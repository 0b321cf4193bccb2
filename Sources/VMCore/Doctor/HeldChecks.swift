import SystemPackage

/// Something on the host that running VMs need, and that somebody else can remove.
package struct HeldCondition: Equatable, Sendable {
    package enum Thing: Equatable, Sendable {
        /// A table of nftables, such as `ip kvmctl_nat`, and the script that creates it.
        case table(String, script: FilePath?)
        /// The DHCP and DNS server, and the script that starts it.
        case server(isRunning: Bool, start: FilePath)
    }

    /// The name of its file: `nat`, `nat.web`, `rules.web`.
    package var resource: String
    var thing: Thing

    package init(resource: String, thing: Thing) {
        self.resource = resource
        self.thing = thing
    }

    /// Its owner: a VM, or `nat`, which all VMs on it share.
    package var owner: String { resource.split(separator: ".", maxSplits: 1).last.map(String.init) ?? resource }
}

/// Things that running VMs hold but that are gone.
package enum HeldChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        facts.held.compactMap { held in
            switch held.thing {
            case .server(isRunning: true, _): nil
            case .server(isRunning: false, let start):
                .problem(
                    held.owner, "its DHCP and DNS server is gone: guests get no addresses and can't look up names",
                    fix: .command("sh \(start)"))
            case .table(let table, let script): missing(table, script, held, facts.filters.firewall?.tables)
            }
        }
    }

    private static func missing(
        _ table: String, _ script: FilePath?, _ held: HeldCondition, _ there: Set<String>?
    ) -> Finding? {
        guard let there, !there.contains(table) else { return nil }
        let restart = "stop and start \(held.owner == "nat" ? "a VM that is on it" : held.owner)"
        return .problem(
            held.owner, "\(effect(of: held)): the nft table \(table) is gone, as after flushing all rules",
            fix: script.map { .command("nft -f \($0)") } ?? .step(restart))
    }

    private static func effect(of held: HeldCondition) -> String {
        if held.owner == held.resource { return "guests can't reach the outside, and nothing protects them from it" }
        return held.resource.hasPrefix("nat.") ? "its forwards lead nowhere" : "its limits and filters don't apply"
    }
}
