/// The VLANs (IEEE 802.1Q) that a bridge's port carries.
public enum PortVLANs: Hashable, Sendable {
    /// One VLAN: frames leave the port untagged, and untagged frames that come in belong to it.
    case access(UInt16)
    /// Several ranges, ascending and disjoint. Every frame is tagged; untagged frames that come in are dropped.
    case trunk([ClosedRange<UInt16>])

    /// The valid identifiers of a VLAN; 0 and 4095 are reserved (802.1Q, 9.6).
    public static let identifiers: ClosedRange<UInt16> = 1...4094

    /// Whether the port carries that VLAN.
    func contains(_ vlan: UInt16) -> Bool {
        switch self {
        case .access(let only): only == vlan
        case .trunk(let ranges): ranges.contains { $0.contains(vlan) }
        }
    }
}

/// The VLANs of one port, as an entry of its bridge's table.
public struct PortVLANEntry: Equatable, Sendable {
    /// The port's index: the kernel takes no name here.
    public var port: UInt32
    /// The VLANs that it joins or leaves.
    public var vlans: PortVLANs

    /// An entry for the port with this index.
    public init(port: UInt32, vlans: PortVLANs) {
        (self.port, self.vlans) = (port, vlans)
    }
}

extension PortVLANs: CustomStringConvertible {
    /// `10` for an access port, `10,20-30` for a trunk; a trunk of one VLAN is `10-10`.
    public var description: String {
        switch self {
        case .access(let vlan): return "\(vlan)"
        case .trunk(let ranges):
            let isOne = ranges.count == 1
            return ranges.map { range in
                range.count == 1 && !isOne ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
            }.joined(separator: ",")
        }
    }
}
