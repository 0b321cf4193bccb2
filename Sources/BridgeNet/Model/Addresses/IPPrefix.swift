/// An address and how many of its bits belong to the network: `10.0.0.5/24`, as an interface has it, or
/// `10.0.0.0/24`, as a route has it.
public struct IPPrefix: Hashable, Sendable {
    /// The address, with its host part.
    public let address: IPAddress
    /// How many bits belong to the network.
    public let length: Int

    /// A prefix; nil for a length that the address can't have.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.bits).contains(length) else { return nil }
        (self.address, self.length) = (address, length)
    }

    /// Parses `ADDRESS/LENGTH`; anything else is nil.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]) else { return nil }
        guard parts[1].allSatisfy(\.isNumber), let length = Int(parts[1]) else { return nil }
        self.init(address, length: length)
    }

    /// The network: the prefix without its host part.
    public var network: IPPrefix { IPPrefix(masking: self) }

    /// Whether it is the network's broadcast address: all bits of the host part are set. Only IPv4 has one.
    public var isBroadcast: Bool {
        guard address.family == .ipv4 else { return false }
        let number = address.octets.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let hostPart = length == 0 ? UInt32.max : (UInt32(1) << (32 - UInt32(length))) - 1
        return number & hostPart == hostPart
    }

    /// Whether the address is in the network.
    public func contains(_ other: IPAddress) -> Bool {
        other.family == address.family && other.masked(to: length) == address.masked(to: length)
    }

    private init(masking prefix: IPPrefix) {
        (address, length) = (prefix.address.masked(to: prefix.length), prefix.length)
    }
}

extension IPPrefix: CustomStringConvertible {
    /// `ADDRESS/LENGTH`.
    public var description: String { "\(address)/\(length)" }
}
