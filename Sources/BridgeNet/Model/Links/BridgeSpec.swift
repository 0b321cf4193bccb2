/// A bridge as wanted.
public struct BridgeSpec: Equatable, Sendable {
    /// The MTUs that a bridge can have, in bytes (`br_dev_setup`, net/bridge/br_device.c).
    public static let mtuRange = 68...65535

    /// The largest number of ports of a bridge (BR_MAX_PORTS less the number 0, net/bridge/br_private.h).
    public static let maximumPorts = 1023

    /// Its name.
    public let name: InterfaceName
    /// The MAC address that a new bridge gets. A bridge without an explicit one takes a port's, and changes it as ports
    /// come and go. To other hosts on the network it then seems to vanish.
    public let mac: MACAddress
    /// Its MTU in bytes, which it then keeps whatever joins; nil for the kernel's default: the smallest MTU of its
    /// ports.
    public let mtu: Int?
    /// Whether an existing bridge with another MAC gets this one. By default it keeps its MAC, because that is the
    /// host's address on a live network.
    public let replacesMAC: Bool

    /// A bridge with this name, and checked values.
    ///
    /// - Throws: `invalid` for a MAC that is multicast or zero, and for an MTU outside `mtuRange`.
    public init(
        name: InterfaceName, mac: MACAddress, mtu: Int? = nil, replacesMAC: Bool = false
    ) throws(NetworkError) {
        func invalid(_ reason: String) -> NetworkError {
            NetworkError(.invalid, subject: name.description, doing: "describing the bridge", reason: reason)
        }
        if mac.isMulticast || mac.isZero { throw invalid("\(mac) can't be the address of an interface") }
        if let mtu, !Self.mtuRange.contains(mtu) {
            throw invalid("an MTU is \(Self.mtuRange.lowerBound) to \(Self.mtuRange.upperBound) bytes, not \(mtu)")
        }
        self.name = name
        self.mac = mac
        self.mtu = mtu
        self.replacesMAC = replacesMAC
    }

    /// The MAC address of a bridge for which none was given. It is locally administered (IEEE 802), and always the same
    /// for the same name and seed. With the host's machine-id as the seed it is the host's alone, and reveals no more
    /// than 46 of the machine-id's 128 bits.
    public static func defaultMAC(name: InterfaceName, seed: some Sequence<UInt8>) -> MACAddress {
        // FNV-1a, then the finaliser of SplitMix64, because FNV's last bytes hardly reach the high bits.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func absorb(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in seed { absorb(byte) }
        absorb(0)
        for byte in name.description.utf8 { absorb(byte) }
        hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        // Locally administered and unicast: the two lowest bits of the first octet are 1 and 0.
        return MACAddress(bits: hash & ~(0x03 << 40) | 0x02 << 40)
    }
}
