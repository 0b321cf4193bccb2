/// Which file it is, whatever it is called: a path may lead to another one by the next look.
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
