/// A rule of policy routing, as the kernel reports it (RTM_NEWRULE, ip-rule(8)). All that the kernel said of it is kept.
public struct Rule: Equatable, Sendable {
    /// IPv4 or IPv6.
    public var family: IPAddress.Family
    /// The rest of `struct fib_rule_hdr` up to its flags: lengths, type of service, table, two unused, action.
    var header: [UInt8]
    /// FIB_RULE_…; of these only what can be asked for.
    var flags: UInt32
    /// What else there is to it.
    var attributes: [Attribute]

    /// Its place: rules are asked in rising order.
    public var priority: UInt32 { attributes.number(RuleWire.priority) ?? 0 }

    /// The table that it leads to; 0 for a rule that leads to none.
    public var table: UInt32 { attributes.number(RuleWire.table) ?? UInt32(header[3]) }

    /// The link that packets come in by.
    public var input: String? { attributes.text(RuleWire.input) }

    /// The link that sockets are bound to.
    public var output: String? { attributes.text(RuleWire.output) }

    /// The same rule about another link, where it names this one.
    public func renamed(from name: String, to other: String) -> Rule {
        var renamed = self
        for type in [RuleWire.input, RuleWire.output] where attributes.text(type) == name {
            renamed.attributes.set(.name(type, other))
        }
        return renamed
    }
}

extension Rule: CustomStringConvertible {
    /// As ip(8) says it: `rule 100 from 192.0.2.0/24 iif eth0 lookup 7`; of rarer selectors, nothing.
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
