import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// A file or a directory of the host that is copied, with what is in it.
struct HostSource {
    /// What it is in: its own directory, or it itself.
    let tree: Tree
    /// Itself first; the paths are those in the tree.
    private(set) var entries: [FileEntry] = []
    /// What of it is not copied.
    private(set) var failures: [VMError] = []
    let isDirectory: Bool

    /// Looks at it. A link is followed, as the caller wrote it; those below it are copied as links.
    init(_ text: String, isRecursive: Bool) throws(VMError) {
        let path = absolutePath(text)
        do throws(Errno) {
            guard let status = try VMHost.status(of: path) else { throw .noSuchFileOrDirectory }
            isDirectory = status.kind == S_IFDIR
            guard !isDirectory || isRecursive else {
                throw .isDirectory
            }
            guard isDirectory || !text.hasSuffix("/") else { throw .notDirectory }
            if isDirectory {
                tree = try Tree(path)
                entries = [FileEntry(status, path: [])]
            } else {
                guard status.kind == S_IFREG else { throw .notSupported }
                // Where a link leads, so that its own directory is what is entered.
                guard let real = path.withPlatformString({ realpath($0, nil) }) else { throw Errno(rawValue: errno) }
                defer { free(real) }
                let file = FilePath(platformString: real)
                let name = file.lastComponent?.string ?? ""
                tree = try Tree(file.removingLastComponent())
                entries = [FileEntry(status, path: Array(name.utf8))]
                if try tree.open(Array(name.utf8), .readOnly).isEndless(name) { throw .illegalSeek }
            }
        } catch .isDirectory {
            throw VMError(.usage, text, "is a directory", remedy: "copy it with what is in it: -r")
        } catch .notSupported {
            throw VMError(.badData, text, "is not a file: devices, FIFOs and sockets are not copied")
        } catch .illegalSeek {
            throw VMError(.badData, text, "has no end: the kernel goes on with it as long as it is read")
        } catch .noSuchFileOrDirectory where path.withPlatformString({ access($0, F_OK) }) != 0 && Self.isLink(path) {
            throw VMError(.notFound, text, "is a symbolic link that leads nowhere")
        } catch { throw .system(error, text, "can't be copied") }
        if isDirectory { walk([]) }
    }

    private static func isLink(_ path: FilePath) -> Bool {
        var found = stat()
        return path.withPlatformString { lstat($0, &found) } == 0 && found.kind == S_IFLNK
    }

    private mutating func walk(_ directory: [UInt8]) {
        var found: [FileEntry] = []
        do throws(Errno) {
            for name in try tree.names(in: directory) {
                let path = BytePath.join(directory, name)
                // What vanishes meanwhile was not there.
                if let entry = try tree.entry(at: path) { found.append(entry) }
            }
        } catch { failures.append(.system(error, tree.shown(directory), "was not copied")) }
        for entry in found {
            if entry.kind == .special {
                failures.append(.notCopied(tree.shown(entry.path)))
            } else {
                entries.append(entry)
            }
            if entry.kind == .directory { walk(entry.path) }
        }
    }
}
