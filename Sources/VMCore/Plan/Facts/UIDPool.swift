/// The uids that VMs run under, one each, so that one can't signal or read another.
///
/// The range is in what systemd's UIDS-GIDS leaves unused (1879048192…2147483647).
package enum UIDPool {
    package static let first: UInt32 = 1_900_000_000
    package static let count = 65536
    package static let range = first...first + UInt32(count) - 1

    /// Why no VM can have a uid of its own, where these are the uids that there are.
    package static func lack(in map: IDMap) -> String {
        "the uids that VMs get, \(range.lowerBound) to \(range.upperBound), are not mapped in this container, whose are \(map)"
    }

    /// What helps.
    package static let mapping =
        "write RUNAS=USER into the VM's file, a user of this container; or map these uids and gids into it, as with "
        + "lxc.idmap on its host"
}
