/// The uids that VMs run under, one each, so that no VM can signal or read another.
///
/// The range is one that systemd's UIDS-GIDS leaves unused (1879048192…2147483647).
package enum UIDPool {
    package static let first: UInt32 = 1_900_000_000
    package static let count = 65536
    package static let range = first...first + UInt32(count) - 1

    /// Why VMs can't have their own uids in a namespace with this map.
    package static func lack(in map: IDMap) -> String {
        "this container does not map the uids for VMs, \(range.lowerBound) to \(range.upperBound), but \(map)"
    }

    /// The remedy.
    package static let mapping =
        "write RUNAS=USER into the VM's file, with a user of this container; or map these uids and gids into it, with "
        + "lxc.idmap or the like on its host"
}
