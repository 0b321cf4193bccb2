import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A copy in progress on the host: until it is complete it has a name of its own beside the one that it is to get.
struct PartFile: ~Copyable {
    private let tree: Tree
    private let path: [UInt8]
    private let part: [UInt8]
    private let file: OwnedDescriptor
    /// How much of it was there already.
    let start: Int64

    /// Makes it.
    ///
    /// - Parameters:
    ///   - path: what it is to become.
    ///   - size: its whole size, if what was begun before is continued.
    init(at path: [UInt8], in tree: Tree, continuedUpTo size: Int64? = nil) throws(VMError) {
        (self.tree, self.path) = (tree, path)
        let (directory, name) = BytePath.split(path)
        part = BytePath.join(directory, BytePath.partName(of: name))
        // Now: renaming would find a directory only when all of it is copied.
        try tree.refuseUnlessReplaceable(path)
        do throws(Errno) { file = try Self.open(part, in: tree, continuedUpTo: size) } catch {
            throw .system(error, tree.shown(path), "can't be made")
        }
        start = Int64(lseek(file.rawValue, 0, SEEK_END))
    }

    private static func open(
        _ part: [UInt8], in tree: Tree, continuedUpTo size: Int64?
    ) throws(Errno) -> OwnedDescriptor {
        if let size, let status = try tree.status(of: part), status.kind == S_IFREG, status.st_uid == geteuid(),
            status.st_nlink == 1, status.st_size <= size
        {
            return try tree.open(part, .readWrite)
        }
        try tree.remove(part)
        return try tree.open(part, .readWrite, flags: O_CREAT | O_EXCL, permissions: 0o600)
    }

    /// For messages.
    var shownPath: String { tree.shown(path) }

    var descriptor: CInt { file.rawValue }

    /// Writes bytes. Where they are zeros, the file gets a hole.
    func write(_ bytes: [UInt8], at offset: Int64) throws(VMError) {
        do throws(Errno) { try writeSparsely(bytes, at: offset, to: file.rawValue) } catch {
            throw .system(error, shownPath, "can't be written")
        }
    }

    /// Takes the content of another file below the tree.
    func copy(from other: [UInt8]) throws(VMError) {
        do throws(Errno) {
            let source = try tree.open(other, .readOnly)
            guard try source.status().kind == S_IFREG else { throw .notSupported }
            var position: Int64 = 0
            while true {
                let piece = try readBytes(of: source.rawValue, at: position, count: 1 << 20)
                guard !piece.isEmpty else { return }
                try writeAll(piece[...], at: position, to: file.rawValue)
                position += Int64(piece.count)
            }
        } catch { throw .system(error, shownPath, "can't be written") }
    }

    /// Gives it its size, its permissions and its time.
    func complete(size: Int64?, permissions: UInt32, modified: Int64) throws(VMError) {
        do throws(Errno) {
            if let size, ftruncate(file.rawValue, off_t(size)) != 0 { throw Errno(rawValue: errno) }
            try file.setCopied(permissions: permissions, modified: modified)
        } catch {
            discard()
            throw .system(error, shownPath, "can't be completed")
        }
    }

    /// Gives it its name, in place of what has that.
    func putInPlace() throws(VMError) {
        do throws(Errno) { try tree.rename(part, to: BytePath.split(path).name) } catch {
            discard()
            throw .system(error, shownPath, "can't be put in place")
        }
    }

    /// Removes it.
    func discard() { try? tree.remove(part) }
}
