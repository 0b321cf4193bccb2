import BridgeKernel
import CLinux
import Glibc
import SystemPackage

/// What an owner or a group stands for, where its number alone does not tell.
enum FileOwnership {
    /// Whether an owner is one whom nobody can be in here: in a user namespace the kernel shows all those that are not
    /// mapped as one number (user_namespaces(7), overflowuid), which may be the account nobody too. That account's files
    /// root may write to, those from outside not.
    static func isOutside(_ found: borrowing OwnedDescriptor, _ status: stat) -> Bool {
        guard geteuid() == 0, status.st_uid == overflowUID, isInUserNamespace else { return false }
        // A link is never written to; it is as good as its directory.
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

    /// Whether a file's group is its owner and nobody else, as where each user has a group of the same name, and files
    /// are made with umask 002 (Debian's user private groups).
    static func isPrivateGroup(_ found: borrowing OwnedDescriptor, _ status: stat) -> Bool {
        // An access list shows in the mode as what the group may do (acl(5), the mask), whoever it names.
        Accounts.isPrivate(group: status.st_gid, of: status.st_uid) && clinux_has_access_list(found.rawValue) == 0
    }
}
