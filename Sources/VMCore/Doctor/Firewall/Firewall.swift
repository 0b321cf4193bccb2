/// The host's packet filters, in as much detail as is needed to tell what happens to a new connection.
package struct Firewall: Equatable, Sendable {
    var chains: [Chain] = []
    /// The tables of nftables, such as `ip filter`; nil if nftables was not asked.
    var tables: Set<String>?

    package init(chains: [Chain] = [], tables: Set<String>? = nil) {
        self.chains = chains
        self.tables = tables
    }

    /// The filters without the tables whose names begin with the prefix.
    func without(tablesNamed prefix: String) -> Firewall {
        Firewall(chains: chains.filter { !$0.table.hasPrefix(prefix) })
    }

    /// The tool that manages a table, and so how a rule is added to it.
    package enum Keeper: Equatable, Sendable {
        case nft
        case iptables
        case legacyIPTables
    }

    /// The families of nftables; those of iptables are `ip` and `ip6`.
    package enum Family: String, Sendable {
        case ip, ip6, inet, bridge
    }

    package enum Hook: String, Sendable {
        case input, forward
    }

    /// A chain of rules. One without a hook is only jumped to.
    package struct Chain: Equatable, Sendable {
        var keeper: Keeper
        var family: Family
        var table: String
        var name: String
        var hook: Hook?
        /// Whether packets that reach its end are dropped.
        var dropsByDefault = false
        var rules: [Rule] = []

        /// In words.
        var words: String { "the chain \(name) of the table \(family.rawValue) \(table)" }
    }

    /// A rule: its conditions, all of which have to match, and its verdict.
    struct Rule: Equatable, Sendable {
        var matches: [Match]
        var verdict: Verdict
    }

    package enum Verdict: Equatable, Sendable {
        case accept
        case drop
        case jump(String)
        case goto(String)
        case giveBack
        /// It counts, logs, marks…: the packet goes on.
        case goOn
        /// Something that is not understood here.
        case unknown
    }

    /// A condition.
    struct Match: Equatable, Sendable {
        var field: Field
        var values: Values
        var isNegated = false

        package enum Field: Equatable, Sendable {
            case inputInterface, outputInterface, transport, port, state
            /// What happened to it before, such as `dnat`.
            case status
            /// Whether it is on its way from one port of a bridge to another; without values.
            case bridged
            case other
        }

        package enum Values: Equatable, Sendable {
            /// Any of these; the name of an interface may end in a wildcard.
            case words([String])
            case numbers([ClosedRange<UInt16>])
            /// Something that is not understood here.
            case unknown
        }
    }
}
