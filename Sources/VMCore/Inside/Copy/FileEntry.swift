/// A file of a tree that is copied.
package struct FileEntry: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case directory, regular, link
        /// A device, a FIFO or a socket, which is not copied.
        case special

        /// By the file type of a mode (inode(7)).
        package init(mode: UInt32) {
            switch mode & 0o170_000 {
            case 0o040_000: self = .directory
            case 0o100_000: self = .regular
            case 0o120_000: self = .link
            default: self = .special
            }
        }
    }

    /// Its path below the tree, in any bytes; empty: the tree itself.
    package var path: [UInt8]
    package var kind: Kind
    /// Its permissions, without set-uid, set-gid and the sticky bit: another user owns the copy.
    package var permissions: UInt32
    /// When its content was changed, in seconds since 1970.
    package var modified: Int64
    /// In bytes.
    package var size: Int64
    /// How much of that is on its disk.
    package var allocated: Int64

    package init(path: [UInt8], mode: UInt32, modified: Int64, size: Int64, allocated: Int64) {
        (self.path, kind, permissions) = (path, Kind(mode: mode), mode & 0o777)
        (self.modified, self.size, self.allocated) = (modified, size, allocated)
    }

    /// From this size on a file is copied by itself, so that it can be resumed.
    package static let large: Int64 = 2 << 20

    /// Whether it has holes worth keeping.
    package var isSparse: Bool { size >= 64 << 10 && allocated < size / 8 * 7 }

    /// Whether a copy has all that this file had when it was copied whole: only then a copy gets its time.
    package func isCopied(as copy: FileEntry) -> Bool {
        kind == .regular && copy.kind == .regular && size == copy.size && modified == copy.modified
    }
}

extension [FileEntry] {
    /// What the regular files hold; a sum that is too large for the type stays at its limit.
    package var contentSize: Int64 { sum { $0.kind == .regular ? $0.size : 0 } }

    /// How much of that is on their disk.
    package var allocatedSize: Int64 { sum { Swift.min($0.size, $0.allocated) } }

    private func sum(_ size: (FileEntry) -> Int64) -> Int64 {
        reduce(0) { sum, entry in
            let (next, isTooLarge) = sum.addingReportingOverflow(size(entry))
            return isTooLarge ? .max : next
        }
    }
}
