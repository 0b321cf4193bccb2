/// Constants of rtnetlink's policy rule messages, with their kernel names.
package enum RuleWire {
    // Message types, linux/rtnetlink.h.
    package static let new: UInt16 = 32  // RTM_NEWRULE
    static let delete: UInt16 = 33  // RTM_DELRULE
    static let get: UInt16 = 34  // RTM_GETRULE

    // Attributes, linux/fib_rules.h.
    static let destination: UInt16 = 1  // FRA_DST
    static let source: UInt16 = 2  // FRA_SRC
    static let input: UInt16 = 3  // FRA_IIFNAME
    static let priority: UInt16 = 6  // FRA_PRIORITY
    static let mark: UInt16 = 10  // FRA_FWMARK
    static let table: UInt16 = 15  // FRA_TABLE
    static let output: UInt16 = 17  // FRA_OIFNAME

    /// FIB_RULE_UNRESOLVED, FIB_RULE_IIF_DETACHED, FIB_RULE_OIF_DETACHED: the state of a rule, which can't be set.
    static let stateFlags: UInt32 = 0x04 | 0x08 | 0x10
}

extension EntryRequest {
    /// All rules of a family.
    package static func dumpRules(_ family: IPAddress.Family) -> EntryRequest {
        EntryRequest(
            type: RuleWire.get, flags: [.request, .dump], header: [family.rawValue] + [UInt8](repeating: 0, count: 11))
    }

    /// Adds a rule, after any of the same priority.
    static func add(_ rule: Rule) -> EntryRequest {
        EntryRequest(
            type: RuleWire.new, flags: [.request, .acknowledge, .create, .exclusive], header: rule.wholeHeader,
            attributes: rule.attributes)
    }

    /// Removes exactly this rule.
    static func remove(_ rule: Rule) -> EntryRequest {
        EntryRequest(
            type: RuleWire.delete, flags: [.request, .acknowledge], header: rule.wholeHeader,
            attributes: rule.attributes)
    }
}

extension Rule {
    /// `struct fib_rule_hdr`.
    fileprivate var wholeHeader: [UInt8] { [family.rawValue] + header + [UInt8](number: flags) }

    /// Decodes the payload of RTM_NEWRULE; nil for a family that is not IP.
    package init?(decoding payload: ArraySlice<UInt8>) throws(WireError) {
        var reader = ByteReader(payload)
        let family = try reader.read(as: UInt8.self, "rule header")
        let header = Array(try reader.take(7, "rule header"))
        let flags = try reader.read(as: UInt32.self, "rule header")
        guard let family = IPAddress.Family(rawValue: family) else { return nil }
        self.init(
            family: family, header: header, flags: flags & ~RuleWire.stateFlags,
            attributes: try Attribute.all(decoding: reader.rest))
    }
}
