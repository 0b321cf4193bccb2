/// A request to rtnetlink: a message's type and flags, the fixed header of that type, and attributes. `Exchange` sends
/// it and waits for the answer.
package protocol RouteRequest {
    var type: UInt16 { get }
    var flags: NetlinkMessage.Flags { get }
    /// The fixed header before the attributes, such as a `struct ifinfomsg`.
    var header: [UInt8] { get }
    var attributes: [Attribute] { get }
}

extension RouteRequest {
    /// Whether it asks for a whole table: the answer then ends in NLMSG_DONE, not in an acknowledgement. Only a get
    /// request can be a dump, and rtnetlink numbers its types in fours: new, delete, get, set.
    package var isDump: Bool { type % 4 == 2 && flags.isSuperset(of: .dump) }

    /// The whole message.
    package func encoded(sequence: UInt32) -> [UInt8] {
        var payload = header
        for attribute in attributes { attribute.encode(into: &payload) }
        return NetlinkMessage(type: type, flags: flags, sequence: sequence, payload: payload[...]).encoded
    }
}

/// A request about an address, a route, a rule or a neighbour.
package struct EntryRequest: RouteRequest, Equatable {
    package var type: UInt16
    package var flags: NetlinkMessage.Flags
    package var header: [UInt8]
    package var attributes: [Attribute] = []

    package init(type: UInt16, flags: NetlinkMessage.Flags, header: [UInt8], attributes: [Attribute] = []) {
        self.type = type
        self.flags = flags
        self.header = header
        self.attributes = attributes
    }
}
