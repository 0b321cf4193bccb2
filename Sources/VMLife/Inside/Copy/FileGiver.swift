import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Gives a file of the host that goes by itself: its extents without the holes, and then their checksum.
final class FileGiver {
    private let file: OwnedDescriptor
    private let path: String
    let entry: FileEntry
    /// The extents that the guest does not have yet.
    let rest: [Range<Int64>]
    /// What is compared: the extents; of a file that is continued all of it, since what the guest has may be of another
    /// file, which had no holes there.
    let compared: [Range<Int64>]
    private var next = 0
    /// How far it is.
    private(set) var position: Int64
    private var hasEnded = false

    /// How close extents may be to count as one; what is between them is copied, too.
    private static let gap: Int64 = 1 << 20
    /// How many there may be: they are arguments of a command.
    private static let most = 400
    private static let piece: Int64 = 1 << 20

    /// - Parameter kept: how much of it the guest has, from its beginning.
    init(_ path: [UInt8], in tree: Tree, after kept: Int64) throws(VMError) {
        self.path = tree.shown(path)
        do throws(Errno) {
            let named = try tree.open(path, .readOnly)
            let status = try named.status()
            guard status.kind == S_IFREG else { throw .notSupported }
            var found = FileEntry(status, path: path)
            file = try Self.content(of: named, size: found.size)
            found.size = Int64(try file.status().st_size)
            entry = found
            let extents = Self.merged(try dataExtents(of: file.rawValue, size: found.size))
            // More than there is can't be a part of it.
            let start = kept <= found.size ? kept : 0
            rest = extents.map { max($0.lowerBound, start)..<max($0.upperBound, start) }.filter { !$0.isEmpty }
            compared = start > 0 ? [0..<found.size] : extents
            position = start
        } catch { throw .system(error, self.path, "was not copied") }
    }

    /// The file itself, or what the kernel makes of it as it is read: of that, as in /proc, the size is not known before.
    private static func content(of named: consuming OwnedDescriptor, size: Int64) throws(Errno) -> OwnedDescriptor {
        guard size == 0 || named.pseudoFileSystem != nil else { return named }
        let content = try readAll(named.descriptor, limit: mostWithoutSize + 1)
        guard content.count <= mostWithoutSize else { throw .fileTooLarge }
        let copy = try OwnedDescriptor(returned: clinux_memory_file("content"))
        try writeAll(content, to: copy.descriptor)
        return copy
    }

    private static let mostWithoutSize = 64 << 20

    /// Takes together what is close, so that there are not too many.
    private static func merged(_ extents: [Range<Int64>]) -> [Range<Int64>] {
        var found = extents
        var gap = Self.gap
        repeat {
            found = found.reduce(into: []) { merged, extent in
                if let last = merged.last, extent.lowerBound - last.upperBound <= gap {
                    merged[merged.count - 1] = last.lowerBound..<extent.upperBound
                } else {
                    merged.append(extent)
                }
            }
            gap *= 2
        } while found.count > most
        return found
    }

    /// How much has to be given.
    var left: Int64 { rest.reduce(0) { $0 + $1.upperBound - $1.lowerBound } }

    /// The next piece, and at last the checksum; nil at the end.
    func produce() throws(VMError) -> [UInt8]? {
        if let piece = try nextPiece() { return piece.bytes }
        guard !hasEnded else { return nil }
        hasEnded = true
        return try checksum()
    }

    /// The next piece, and where it belongs; nil if there are no more.
    func nextPiece() throws(VMError) -> (offset: Int64, bytes: [UInt8])? {
        guard next < rest.count else { return nil }
        let extent = rest[next]
        position = max(position, extent.lowerBound)
        let offset = position
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try readBytes(
                of: file.rawValue, at: position, count: Int(min(Self.piece, extent.upperBound - position)))
        } catch { throw .system(error, path, "can't be read") }
        position += Int64(bytes.count)
        guard !bytes.isEmpty else {
            throw VMError(.unavailable, path, "it became shorter while it was copied", remedy: "copy it again")
        }
        if position == extent.upperBound { next += 1 }
        return (offset, bytes)
    }

    /// The checksum, as the guest reads it.
    func checksum() throws(VMError) -> [UInt8] {
        let sum = try Checksum()
        for extent in compared { try sum.add(file.rawValue, from: extent.lowerBound, to: extent.upperBound) }
        return Array((try sum.finish() + "\n").utf8)
    }
}
