/// A bridge as wanted.
public struct BridgeSpec: Equatable, Sendable {
    /// The MTUs that a bridge can have, in bytes (`br_dev_setup`, net/bridge/br_device.c).
    public static let mtuRange = 68...65535

    /// How many ports a bridge has room for (BR_MAX_PORTS less the number 0, net/bridge/br_private.h).
    public static let maximumPorts = 1023

    /// Its name.
    public let name: InterfaceName
    /// The address that a new bridge gets. Without one of its own a bridge takes a port's, and changes it as ports come
    /// and go, which hosts on the network see as a host that vanished.
    public let mac: MACAddress
    /// Its MTU in bytes, which it then keeps whatever joins; nil for the kernel's way: the smallest of its ports'.
    public let mtu: Int?
    /// Whether a bridge that exists with another MAC is given this one. By default it keeps its own: it is the host's
    /// address on a live network.
    public let replacesMAC: Bool

    /// A bridge of that name, with checked values.
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

    /// The address of a bridge for which none was given: locally administered (IEEE 802), and always the same for the
    /// same name and seed. With the host's machine-id as the seed it is the host's own; of those 128 bits it gives away
    /// no more than the 46 that it consists of.
    public static func defaultMAC(name: InterfaceName, seed: some Sequence<UInt8>) -> MACAddress {
        // FNV-1a, then the finaliser of SplitMix64 because FNV's last bytes hardly reach the high bits.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func absorb(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in seed { absorb(byte) }
        absorb(0)
        for byte in name.description.utf8 { absorb(byte) }
        hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        // Locally administered, and a station's own: the two lowest bits of the first octet are 1 and 0.
        return MACAddress(bits: hash & ~(0x03 << 40) | 0x02 << 40)
    }
}
