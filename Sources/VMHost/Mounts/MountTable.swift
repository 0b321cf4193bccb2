import SystemPackage

/// A place in the directory tree where another file system begins.
struct Mount: Hashable, Sendable {
    var path: FilePath
    /// The file system's type, such as `nfs4` or `fuse.sshfs`.
    var type: String
    /// The mounted source, in the type's own syntax: `server:/vms`.
    var source: String
    /// The device number of its files, as `major:minor`. It is the same for all mounts of one file system.
    var device: String
    /// The account whose program on this host serves it, if there is one (mount.fuse(8), user_id).
    var server: UInt32?
}

/// The mounts of this mount namespace (proc_pid_mountinfo(5)).
struct MountTable: Sendable {
    /// The mounts that may not answer; where several are stacked, the topmost.
    let remote: [FilePath: Mount]

    init(_ text: [UInt8]) {
        var found: [FilePath: Mount] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let type = Self.type(of: line) else { continue }
            let isRemote = !Self.isLocal(type)
            // Most hosts have no remote mounts. A local mount on top of a remote one hides it.
            guard isRemote || !found.isEmpty, let mount = Mount(line: line) else { continue }
            found[mount.path] = isRemote && Self.mayHold(mount) ? mount : nil
        }
        remote = found
    }

    /// `36 35 0:41 / /run rw,nosuid shared:1 - tmpfs tmpfs rw`: the word after the separate dash.
    private static func type(of line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let (blank, dash) = (UInt8(ascii: " "), UInt8(ascii: "-"))
        let start = line.withUnsafeBytes { bytes in
            (3..<max(3, bytes.count)).first {
                bytes[$0 - 1] == blank && bytes[$0 - 2] == dash && bytes[$0 - 3] == blank
            }
        }
        return start.map { line.dropFirst($0).prefix { $0 != blank } }
    }

    /// Whether a mount may hold files that matter here. kvmctl itself was loaded from the root. Under /proc and /sys
    /// only root mounts, as lxcfs does for containers. An automount point under /dev holds no one's files.
    private static func mayHold(_ mount: Mount) -> Bool {
        if mount.path == "/" || mount.path.starts(with: "/proc") || mount.path.starts(with: "/sys") { return false }
        return !(mount.path.starts(with: "/dev") && mount.type == "autofs")
    }

    private static func isLocal(_ type: ArraySlice<UInt8>) -> Bool {
        type.withUnsafeBytes { type in
            localTypes.contains { name in
                name.utf8CodeUnitCount == type.count && name.withUTF8Buffer { $0.elementsEqual(type) }
            }
        }
    }

    /// File systems that the kernel serves alone, the common ones first. Any other may depend on a server.
    private static let localTypes: [StaticString] = [
        "tmpfs", "ext4", "proc", "sysfs", "cgroup", "cgroup2", "devtmpfs", "devpts", "xfs", "btrfs", "zfs", "overlay",
        "securityfs", "debugfs", "tracefs", "bpf", "mqueue", "hugetlbfs", "pstore", "efivarfs", "configfs", "fusectl",
        "binfmt_misc", "rpc_pipefs", "ramfs", "vfat", "squashfs", "iso9660", "nsfs", "rootfs", "ext2", "ext3",
        "bcachefs",
        "binder", "cramfs", "ecryptfs", "erofs", "exfat", "f2fs", "hfs", "hfsplus", "jffs2", "jfs", "minix", "msdos",
        "nfsd",
        "nilfs2", "ntfs", "ntfs3", "reiserfs", "romfs", "selinuxfs", "smackfs", "ubifs", "udf", "ufs",
    ]
}

extension Mount {
    init?(line: ArraySlice<UInt8>) {
        let words = line.split(separator: UInt8(ascii: " "))
        guard let dash = words.firstIndex(where: { $0.elementsEqual("-".utf8) }), dash >= 6, words.count > dash + 2,
            let path = MountTable.unescaped(words[4])
        else { return nil }
        self.init(
            path: FilePath(path), type: String(decoding: words[dash + 1], as: UTF8.self),
            source: MountTable.unescaped(words[dash + 2]) ?? "", device: String(decoding: words[2], as: UTF8.self),
            server: words.count > dash + 3 ? Self.server(words[dash + 3]) : nil)
    }

    private static func server(_ options: ArraySlice<UInt8>) -> UInt32? {
        let lead = Array("user_id=".utf8)
        let option = options.split(separator: UInt8(ascii: ",")).first { $0.starts(with: lead) }
        return option.flatMap { UInt32(String(decoding: $0.dropFirst(lead.count), as: UTF8.self)) }
    }
}

extension MountTable {
    /// Decodes spaces and backslashes, which the kernel writes as three octal digits, `\040` (fs/proc_namespace.c,
    /// mangle).
    ///
    /// - Returns: nil if an escape is malformed.
    static func unescaped(_ word: some Sequence<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(word)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8), code != 0 else {
                return nil
            }
            bytes.append(code)
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Mount: CustomStringConvertible {
    /// For people: `/vms/far (nfs4, server:/vms)`.
    var description: String { "\(path) (\([type, source].filter { !$0.isEmpty }.joined(separator: ", ")))" }
}
