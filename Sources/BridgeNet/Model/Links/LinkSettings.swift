/// Settings of a link: those to make, or those found before making them. Nil leaves a setting as it is.
public struct LinkSettings: Equatable, Sendable {
    /// The Ethernet address.
    public var mac: MACAddress?
    /// The MTU in bytes.
    public var mtu: Int?
    /// The alias, at most `maximumAliasLength` bytes; empty for none.
    public var alias: String?
    /// The index of the bridge to be a port of; 0 for none.
    public var controller: UInt32?
    /// Up or down.
    public var isUp: Bool?
    /// How the kernel generates an IPv6 link-local address when the link comes up (IFLA_INET6_ADDR_GEN_MODE). On a
    /// kernel without IPv6 there is nothing to set, and it counts as done.
    public var addressGeneration: Link.AddressGeneration?
    /// Its group; 0, the default for a new link, is none in particular. See `RouteSocket.deleteLinks(ofGroup:)`.
    public var group: UInt32?

    /// The longest alias in bytes: IFALIASZ without its NUL.
    public static let maximumAliasLength = 255

    /// The settings given; all others stay as they are.
    public init(
        mac: MACAddress? = nil, mtu: Int? = nil, alias: String? = nil, controller: UInt32? = nil, isUp: Bool? = nil,
        addressGeneration: Link.AddressGeneration? = nil, group: UInt32? = nil
    ) {
        self.mac = mac
        self.mtu = mtu
        self.alias = alias
        self.controller = controller
        self.isUp = isUp
        self.addressGeneration = addressGeneration
        self.group = group
    }

    /// Whether it sets nothing.
    public var isEmpty: Bool { self == LinkSettings() }
}

extension LinkSettings: CustomStringConvertible {
    /// In words, as a plan shows it: `MTU 9000, alias "web", up`.
    public var description: String {
        var words: [String] = []
        if let mac { words.append("MAC \(mac)") }
        if let mtu { words.append("MTU \(mtu)") }
        if let alias { words.append(alias.isEmpty ? "no alias" : "alias \"\(alias)\"") }
        if let addressGeneration {
            words.append(addressGeneration == .off ? "no IPv6 link-local address" : "an IPv6 link-local address")
        }
        if let group { words.append("group \(group)") }
        if let controller { words.append(controller == 0 ? "no bridge" : "port of link \(controller)") }
        if let isUp { words.append(isUp ? "up" : "down") }
        return words.joined(separator: ", ")
    }
}
