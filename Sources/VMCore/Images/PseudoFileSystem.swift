/// File systems whose files are views of the kernel's state, not stored bytes: no disk, CD or kernel is there. Reading
/// a file may block for ever, and writing to one may change the host.
package enum PseudoFileSystem {
    /// What the kernel calls it (include/uapi/linux/magic.h), by f_type of statfs(2); nil for one that stores files.
    package static func name(ofType type: UInt32) -> String? {
        switch type {
        case 0x9fa0: "proc"
        case 0x6265_6572: "sysfs"
        case 0x0027_e0eb: "cgroup"
        case 0x6367_7270: "cgroup2"
        case 0x6462_6720: "debugfs"
        case 0x7472_6163: "tracefs"
        case 0x7363_6673: "securityfs"
        case 0x6265_6570: "configfs"
        case 0xcafe_4a11: "bpf"
        case 0xde5e_81e4: "efivarfs"
        case 0x6165_676c: "pstore"
        case 0xf97c_ff8c: "selinuxfs"
        case 0x4341_5d53: "smackfs"
        case 0x5a3c_69f0: "apparmorfs"
        case 0x1cd1: "devpts"
        case 0x1980_0202: "mqueue"
        case 0x6e73_6673: "nsfs"
        case 0x4249_4e4d: "binfmt_misc"
        case 0x6759_6969: "rpc_pipefs"
        case 0x6573_5543: "fusectl"
        case 0x6e66_7364: "nfsd"
        case 0x0765_5821: "resctrl"
        case 0x9584_58f6: "hugetlbfs"
        case 0x0904_1934: "anon_inodefs"
        case 0x5049_5045: "pipefs"
        case 0x534f_434b: "sockfs"
        case 0xabba_1974: "xenfs"
        default: nil
        }
    }
}
