import Glibc
import SystemPackage
import VMCore
import VMHost

/// Where files of a guest go on the host.
struct HostDestination {
    private let text: String
    private let path: FilePath
    private let trust: FileTrust
    /// Whether it is a directory already, which they go into.
    let isDirectory: Bool

    init(_ text: String, isForSeveral: Bool, _ trust: FileTrust) throws(VMError) {
        (self.text, self.trust) = (text, trust)
        path = absolutePath(text)
        do throws(Errno) { isDirectory = try VMHost.status(of: path)?.kind == S_IFDIR } catch {
            throw .system(error, text, "can't be looked at")
        }
        if !isDirectory, isForSeveral { throw Self.noDirectory(text) }
    }

    /// The directory that a source goes into, and the path that it gets there.
    func target(for source: String, isDirectory sourceIsDirectory: Bool) throws(VMError) -> (Tree, base: [UInt8]) {
        if isDirectory { return (try open(path), CopyOperand.name(of: source)) }
        // A directory may be new; a file can't go into one that is not there.
        if text.hasSuffix("/"), !sourceIsDirectory { throw Self.noDirectory(text) }
        guard let name = path.lastComponent else { throw Self.noDirectory(text) }
        return (try open(path.removingLastComponent()), Array(name.string.utf8))
    }

    private func open(_ path: FilePath) throws(VMError) -> Tree {
        do throws(PathWalk.Failure) { return try Tree(path, trust) } catch {
            switch error {
            case .system(let errno, _): throw .system(errno, path.string, "can't be entered")
            case .distrusted(let distrust): throw distrust.refusal(toMake: path)
            }
        }
    }

    private static func noDirectory(_ text: String) -> VMError {
        VMError(.notFound, text, "is not a directory", remedy: "make it first, or copy to another name")
    }
}

extension Tree {
    /// What is there; nil: nothing.
    func entry(at path: [UInt8]) throws(Errno) -> FileEntry? {
        try status(of: path).map { FileEntry($0, path: path) }
    }
}

extension FileEntry {
    init(_ status: stat, path: [UInt8]) {
        self.init(
            path: path, mode: status.st_mode, modified: Int64(status.st_mtim.tv_sec), size: Int64(status.st_size),
            allocated: Int64(status.st_blocks) * 512)
    }
}
