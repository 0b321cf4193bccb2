/// File systems whose files are views of the kernel's state, not stored bytes: no disk, CD or kernel is there. Reading
/// a file may block for ever, and writing to one may change the host.
package enum PseudoFileSystem {
    /// What the kernel calls it, by f_type of statfs(2) (include/uapi/linux/magic.h); nil for one that stores files.
    package static func name(ofType type: UInt32) -> String? { all.first { $0.type == type }?.name }

    /// Their types, as stat(1) prints them: `stat -f -c %t`.
    package static var types: [String] { all.map { String($0.type, radix: 16) } }

    /// Their names.
    package static var names: [String] { all.map(\.name) }

    /// Files whose content never ends, or which give it only as it comes, by the type of their file system. Whoever reads
    /// /proc/kmsg takes the messages away from the log of the system, too.
    private static let endless: [(type: UInt32, name: String)] = [
        (0x9fa0, "kmsg"), (0x9fa0, "kcore"), (0x9fa0, "pagemap"), (0x7472_6163, "trace_pipe"),
        (0x7472_6163, "trace_pipe_raw"), (0x6462_6720, "trace_pipe"), (0x6462_6720, "trace_pipe_raw"),
    ]

    /// Whether a file of this name, no link, is one of them.
    package static func isEndless(_ name: some StringProtocol, ofType type: UInt32) -> Bool {
        endless.contains { $0.type == type && $0.name == name }
    }

    /// Them as a pattern for case in sh(1), for the type as stat(1) prints it, `/` and the name.
    package static var endlessPattern: String {
        endless.map { "\(String($0.type, radix: 16))/\($0.name)" }.joined(separator: "|")
    }

    private static let all: [(type: UInt32, name: String)] = [
        (0x9fa0, "proc"),
        (0x6265_6572, "sysfs"),
        (0x0027_e0eb, "cgroup"),
        (0x6367_7270, "cgroup2"),
        (0x6462_6720, "debugfs"),
        (0x7472_6163, "tracefs"),
        (0x7363_6673, "securityfs"),
        (0x6265_6570, "configfs"),
        (0xcafe_4a11, "bpf"),
        (0xde5e_81e4, "efivarfs"),
        (0x6165_676c, "pstore"),
        (0xf97c_ff8c, "selinuxfs"),
        (0x4341_5d53, "smackfs"),
        (0x5a3c_69f0, "apparmorfs"),
        (0x1cd1, "devpts"),
        (0x1980_0202, "mqueue"),
        (0x6e73_6673, "nsfs"),
        (0x4249_4e4d, "binfmt_misc"),
        (0x6759_6969, "rpc_pipefs"),
        (0x6573_5543, "fusectl"),
        (0x6e66_7364, "nfsd"),
        (0x0765_5821, "resctrl"),
        (0x9584_58f6, "hugetlbfs"),
        (0x0904_1934, "anon_inodefs"),
        (0x5049_5045, "pipefs"),
        (0x534f_434b, "sockfs"),
        (0xabba_1974, "xenfs"),
    ]
}
