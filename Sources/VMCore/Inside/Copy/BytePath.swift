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
