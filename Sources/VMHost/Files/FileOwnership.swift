import BridgeKernel
import CLinux
import Glibc
import SystemPackage

/// What a file's owner or group means where the number alone does not say it.
enum FileOwnership {
    /// Whether a file's owner is outside this user namespace, so that no process here can be that user. The kernel
    /// shows all unmapped owners as one number (user_namespaces(7), overflowuid), which can also be the account nobody.
    /// Root may write to that account's files, but not to those from outside.
    static func isOutside(_ found: borrowing OwnedDescriptor, _ status: stat) -> Bool {
        guard geteuid() == 0, status.st_uid == overflowUID, isInUserNamespace else { return false }
        // A link is never written to: it is as safe as its directory.
        if status.kind == S_IFLNK { return true }
        let emptyPath: CInt = 0x1000  // AT_EMPTY_PATH, which only _GNU_SOURCE declares
        return faccessat(found.rawValue, "", W_OK, AT_EACCESS | emptyPath) != 0
    }

    private static let overflowUID: UInt32? = number(in: "/proc/sys/fs/overflowuid") ?? 65534

    private static let isInUserNamespace: Bool = {
        let map = (try? readFile("/proc/self/uid_map", limit: 4096)) ?? []
        let words = String(decoding: map, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return words != ["0", "0", "4294967295"]
    }()

    private static func number(in file: FilePath) -> UInt32? {
        (try? readFile(file, limit: 16)).flatMap {
            UInt32(String(decoding: $0.filter { (0x30...0x39).contains($0) }, as: UTF8.self))
        }
    }

    /// Whether a file's group contains its owner alone, as with Debian's user private groups and umask 002.
    static func isPrivateGroup(_ found: borrowing OwnedDescriptor, _ status: stat) -> Bool {
        // With an access list the mode's group bits are the mask for all users and groups in the list (acl(5)).
        Accounts.isPrivate(group: status.st_gid, of: status.st_uid) && clinux_has_access_list(found.rawValue) == 0
    }
}
