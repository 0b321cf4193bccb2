/// The packet filters of the host, as far as one has to know them to say what becomes of a new connection.
package struct Firewall: Equatable, Sendable {
    var chains: [Chain] = []
    /// The tables of nftables, `ip filter`; nil where it was not asked.
    var tables: Set<String>?

    package init(chains: [Chain] = [], tables: Set<String>? = nil) {
        self.chains = chains
        self.tables = tables
    }

    /// Without the tables whose names begin so.
    func without(tablesNamed prefix: String) -> Firewall {
        Firewall(chains: chains.filter { !$0.table.hasPrefix(prefix) })
    }

    /// Who keeps a table, and so how a rule is put into it.
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
        /// Whether what comes to its end is dropped.
        var dropsByDefault = false
        var rules: [Rule] = []

        /// In words.
        var words: String { "the chain \(name) of the table \(family.rawValue) \(table)" }
    }

    /// A rule: what it matches, all of it, and what becomes of that.
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
            /// What became of it before, such as `dnat`.
            case status
            /// Whether it is on its way from one port of a bridge to another; without values.
            case bridged
            case other
        }

        package enum Values: Equatable, Sendable {
            /// Any of these; a name of an interface may end in the sign for any rest.
            case words([String])
            case numbers([ClosedRange<UInt16>])
            /// Something that is not understood here.
            case unknown
        }
    }
}
