/// Options of a bridge, as found or as wanted. Nil leaves an option as it is.
public struct BridgeOptions: Equatable, Sendable {
    /// Whether it runs the spanning tree protocol (IEEE 802.1D), which keeps loops from flooding the network.
    public var spanningTree: Bool?
    /// With spanning tree, how long a new port listens, and then how long it learns, before it forwards; in hundredths
    /// of a second.
    public var forwardDelay: UInt32?
    /// Whether it is VLAN-aware: it keeps VLANs apart (802.1Q).
    public var vlanFiltering: Bool?

    /// The options given; all others stay as they are.
    public init(spanningTree: Bool? = nil, forwardDelay: UInt32? = nil, vlanFiltering: Bool? = nil) {
        (self.spanningTree, self.forwardDelay, self.vlanFiltering) = (spanningTree, forwardDelay, vlanFiltering)
    }

    /// Whether it sets nothing.
    public var isEmpty: Bool { self == BridgeOptions() }
}

extension BridgeOptions: CustomStringConvertible {
    /// In words, as a plan shows it.
    public var description: String {
        var words: [String] = []
        if let spanningTree { words.append(spanningTree ? "spanning tree" : "no spanning tree") }
        if let forwardDelay { words.append("forward delay \(forwardDelay / 100) s") }
        if let vlanFiltering { words.append(vlanFiltering ? "VLAN-aware" : "not VLAN-aware") }
        return words.joined(separator: ", ")
    }
}
