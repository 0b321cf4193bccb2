/// Identifies a file independently of its path, which may lead to another file the next time.
package struct FileIdentity: Hashable, Sendable {
    /// The device that holds it (stat(2), `st_dev`).
    package var device: UInt64
    /// Its number there (`st_ino`).
    package var inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}
