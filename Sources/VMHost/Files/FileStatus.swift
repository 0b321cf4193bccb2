import Glibc
import VMCore

extension stat {
    /// The kind of file (inode(7)): one of S_IFREG, S_IFDIR and so on.
    package var kind: mode_t { st_mode & S_IFMT }
}

extension FileIdentity {
    package init(_ status: stat) {
        self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}
