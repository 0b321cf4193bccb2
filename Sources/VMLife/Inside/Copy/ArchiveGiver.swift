import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Gives small files of the host, directories and links, as an archive.
final class ArchiveGiver {
    private let tree: Tree
    private let base: [UInt8]
    private let entries: [FileEntry]
    /// Whether the directories get their own permissions: before, files have to be made in them.
    private let isFinal: Bool
    private let sum: Checksum
    private var next = 0
    private var hasEnded = false

    private(set) var hasFiles = false
    private(set) var bytes: Int64 = 0
    private(set) var failures: [VMError] = []

    /// - Parameter base: the path that the tree has in the archive.
    init(_ entries: [FileEntry], of tree: Tree, base: [UInt8], isFinal: Bool = false) throws(VMError) {
        (self.entries, self.tree, self.base, self.isFinal) = (entries, tree, base, isFinal)
        sum = try Checksum()
    }

    var isEmpty: Bool { entries.isEmpty }

    /// The file in progress, for people.
    var current: String { entries.indices.contains(next) ? BytePath.shown(entries[next].path) : "" }

    /// The next piece; nil at the end.
    func produce() throws(VMError) -> [UInt8]? {
        var piece: [UInt8] = []
        while piece.count < Self.piece, next < entries.count {
            piece += member(entries[next])
            next += 1
        }
        if piece.isEmpty {
            guard !hasEnded else { return nil }
            hasEnded = true
            piece = TarWriter.end
        }
        try sum.add(piece)
        return piece
    }

    private static let piece = 256 << 10
    /// More than a small file: it may have grown.
    private static let most = 16 << 20

    /// One of them, with its header.
    private func member(_ entry: FileEntry) -> [UInt8] {
        var named = entry
        named.path = BytePath.join(base, entry.path)
        do throws(Errno) {
            let member: [UInt8]
            switch entry.kind {
            case .directory:
                member = TarWriter.header(of: named, permissions: isFinal ? nil : entry.permissions | 0o700)
            case .link: member = TarWriter.header(of: named, target: try tree.target(of: entry.path))
            case .regular:
                let content = try content(of: entry)
                named.size = Int64(content.count)
                member = TarWriter.header(of: named) + content + TarWriter.padding(after: named.size)
                bytes += named.size
            case .special: return []
            }
            hasFiles = true
            return member
        } catch {
            failures.append(.system(error, tree.shown(entry.path), "was not copied"))
            return []
        }
    }

    private func content(of entry: FileEntry) throws(Errno) -> [UInt8] {
        let file = try tree.open(entry.path, .readOnly)
        guard try file.status().kind == S_IFREG else { throw .notSupported }
        // As much as there is: the size of a file of /proc is 0.
        let content = try readAll(file.descriptor, limit: Self.most + 1)
        guard content.count <= Self.most else { throw .fileTooLarge }
        return content
    }

    /// The checksum of all that was given.
    func finish() throws(VMError) -> String { try sum.finish() }
}
