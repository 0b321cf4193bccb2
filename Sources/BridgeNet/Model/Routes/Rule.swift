/// A policy routing rule, as the kernel reports it (RTM_NEWRULE, ip-rule(8)). All attributes are kept.
public struct Rule: Equatable, Sendable {
    /// IPv4 or IPv6.
    public var family: IPAddress.Family
    /// The rest of `struct fib_rule_hdr` up to its flags: lengths, type of service, table, two unused bytes, action.
    var header: [UInt8]
    /// FIB_RULE_…; only those that a request may set.
    var flags: UInt32
    /// The other attributes.
    var attributes: [Attribute]

    /// Its priority: the kernel applies rules in ascending order.
    public var priority: UInt32 { attributes.number(RuleWire.priority) ?? 0 }

    /// The table that it looks up; 0 for a rule that looks up none.
    public var table: UInt32 { attributes.number(RuleWire.table) ?? UInt32(header[3]) }

    /// The link by which packets come in.
    public var input: String? { attributes.text(RuleWire.input) }

    /// The link that sockets are bound to.
    public var output: String? { attributes.text(RuleWire.output) }

    /// The same rule, with one link's name replaced by another.
    public func renamed(from name: String, to other: String) -> Rule {
        var renamed = self
        for type in [RuleWire.input, RuleWire.output] where attributes.text(type) == name {
            renamed.attributes.set(.name(type, other))
        }
        return renamed
    }
}

extension Rule: CustomStringConvertible {
    /// As ip(8) prints it: `rule 100 from 192.0.2.0/24 iif eth0 lookup 7`. Rarer selectors are left out.
    public var description: String {
        var words = ["rule \(priority)"]
        if let source = prefix(RuleWire.source, length: header[1]) { words.append("from \(source)") }
        if let destination = prefix(RuleWire.destination, length: header[0]) { words.append("to \(destination)") }
        if let mark: UInt32 = attributes.number(RuleWire.mark) { words.append("fwmark 0x\(String(mark, radix: 16))") }
        if let input { words.append("iif \(input)") }
        if let output { words.append("oif \(output)") }
        if table != 0 { words.append("lookup \(table)") }
        return words.joined(separator: " ")
    }

    private func prefix(_ type: UInt16, length: UInt8) -> IPPrefix? {
        attributes.bytes(type).flatMap { IPAddress(octets: Array($0)) }.flatMap { IPPrefix($0, length: Int(length)) }
    }
}
