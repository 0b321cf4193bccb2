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

/// Paths in any bytes.
package enum BytePath {
    /// The longest path that a system call takes (PATH_MAX).
    package static let longest = 4096

    private static let slash = UInt8(ascii: "/")

    /// One below the other.
    package static func join(_ base: [UInt8], _ path: [UInt8]) -> [UInt8] {
        if base.isEmpty || path.isEmpty { return base + path }
        return base.last == slash ? base + path : base + [slash] + path
    }

    /// The directory, empty for the tree itself, and the name in it.
    package static func split(_ path: [UInt8]) -> (directory: [UInt8], name: [UInt8]) {
        guard let last = path.lastIndex(of: slash) else { return ([], path) }
        return (Array(path[..<last]), Array(path[(last + 1)...]))
    }

    /// The same for a path that is relative to `here` if it has no directory.
    package static func split(_ path: [UInt8], from here: String) -> (directory: [UInt8], name: [UInt8]) {
        let (directory, name) = split(path)
        guard directory.isEmpty else { return (directory, name) }
        return (path.first == slash ? [slash] : Array(here.utf8), name)
    }

    /// The names on the way.
    package static func components(_ path: [UInt8]) -> [[UInt8]] { path.split(separator: slash).map { Array($0) } }

    /// Whether it stays below the directory that it is relative to, whatever it is made of.
    package static func isBelow(_ path: [UInt8]) -> Bool {
        path.first != slash && !path.contains(0)
            && components(path).allSatisfy { $0 != Array(".".utf8) && $0 != Array("..".utf8) }
    }

    /// For messages.
    package static func shown(_ path: [UInt8]) -> String {
        var stream = PrintableStream(keeping: [])
        return stream.show(path) + stream.finish()
    }

    /// The name that a file has while it is copied, in the directory of the one that it becomes: always the same, so that
    /// it is found again, and short, however long the name is.
    package static func partName(of name: [UInt8]) -> [UInt8] {
        // FNV-1a (draft-eastlake-fnv).
        let hash = name.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Array(".kvmctl-\(String(hash, radix: 16)).part".utf8)
    }
}
