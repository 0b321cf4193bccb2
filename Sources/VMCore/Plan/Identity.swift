import BridgeNet
import SystemPackage

/// What identifies a VM: its UUID, and the MACs derived from it.
package struct Identity: Equatable {
    package let uuid: Setting<UUID>

    package init(uuid: Setting<UUID>) { self.uuid = uuid }

    package init(_ params: VMParams, machineID: String) {
        uuid =
            params.uuid
            ?? Setting(
                Self.derivedUUID(machineID: machineID, file: params.file.string),
                .derived(
                    "UUID, derived from \(machineID.isEmpty ? "" : "/etc/machine-id and ")the path of the params file"))
    }

    /// The MAC of a NIC for which the file sets none.
    package func mac(nic: Int) -> MACAddress { Self.mac(uuid: uuid.value, nic: nic) }

    /// The MAC derived from a VM's UUID and the NIC's n.
    package static func mac(uuid: UUID, nic: Int) -> MACAddress {
        mac(from: uuid.octets + [UInt8(truncatingIfNeeded: nic)])
    }

    /// What QEMU gives a card without a MAC, by its number (net/net.c, `qemu_macaddr_default_if_unset`).
    package static func macOfQEMU(card: Int) -> MACAddress { MACAddress(bits: 0x5254_0012_3456 + UInt64(card)) }

    /// QEMU's prefix 52:54:00, then 24 bits derived from some bytes.
    static func mac(from bytes: [UInt8]) -> MACAddress {
        let hash = hash(bytes)
        return MACAddress(bits: 0x5254_0000_0000 | UInt64(hash[0]) << 16 | UInt64(hash[1]) << 8 | UInt64(hash[2]))
    }

    /// A version 8 UUID (RFC 9562, section 5.8): the same for the same file on the same host, so that a file without a
    /// `UUID` shows its guest the same machine at every start.
    static func derivedUUID(machineID: String, file: String) -> UUID {
        UUID(hash(Array(machineID.utf8) + [0] + Array(file.utf8)), version: 8)
    }

    /// FNV-1a of 128 bits (draft-eastlake-fnv), folded once so that its weak last bytes reach all bits. An identity
    /// needs an even spread over few inputs and must never change; it need not be secret.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        let prime: UInt128 = 1 << 88 | 0x13b
        let basis: UInt128 = 0x6c62_272e_07bb_0142 << 64 | 0x62b8_2175_6295_c58d
        var hash = bytes.reduce(basis) { ($0 ^ UInt128($1)) &* prime }
        hash ^= hash >> 64
        hash &*= prime
        hash ^= hash >> 64
        return (0..<16).map { UInt8(truncatingIfNeeded: hash >> (120 - 8 * UInt128($0))) }
    }
}
