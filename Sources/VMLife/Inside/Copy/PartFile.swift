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
        do throws(Errno) {
            // Renaming would fail only when all of it is copied.
            if try tree.status(of: path)?.kind == S_IFDIR { throw .isDirectory }
            file = try Self.open(part, in: tree, continuedUpTo: size)
        } catch .isDirectory {
            throw VMError(.cannotCreate, tree.shown(path), "is a directory: a file is to be copied there")
        } catch { throw .system(error, tree.shown(path), "can't be made") }
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
        var position = 0
        while position < bytes.count {
            // In step with the file's blocks.
            let step = Self.block - Int((offset + Int64(position)) % Int64(Self.block))
            let end = min(bytes.count, position + step)
            if !Self.isZero(bytes[position..<end]) {
                do throws(Errno) {
                    try Self.write(bytes[position..<end], to: file.rawValue, at: offset + Int64(position))
                } catch {
                    throw .system(error, shownPath, "can't be written")
                }
            }
            position = end
        }
    }

    private static let block = 64 << 10

    private static func isZero(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, bytes.count > 1 else { return bytes.first == 0 }
            return bytes[0] == 0 && memcmp(start, start + 1, bytes.count - 1) == 0
        }
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to file: CInt, at offset: Int64) throws(Errno) {
        var rest = bytes
        while !rest.isEmpty {
            let position = off_t(offset) + off_t(rest.startIndex - bytes.startIndex)
            let count = rest.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, position) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw count < 0 ? Errno(rawValue: errno) : .noSpace }
            rest.removeFirst(count)
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
                try Self.write(piece[...], to: file.rawValue, at: position)
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
