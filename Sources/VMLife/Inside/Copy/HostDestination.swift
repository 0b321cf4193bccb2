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
        let (tree, base) = (try open(path.removingLastComponent()), Array(name.string.utf8))
        try tree.refuseUnlessReplaceable(base, isNamed: true)
        return (tree, base)
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

    /// Refuses to replace what is there if that is neither a file nor a link: a device, say.
    ///
    /// - Parameter isNamed: whether the caller named it. Then a link is not theirs to lose, such as /dev/stdout; within a
    ///   directory that is copied it is replaced, as by tar.
    func refuseUnlessReplaceable(_ path: [UInt8], isNamed: Bool = false) throws(VMError) {
        let found: stat?
        do throws(Errno) { found = try status(of: path) } catch {
            throw .system(error, shown(path), "can't be looked at")
        }
        let (cause, remedy): (String, Remedy?)
        switch found?.kind {
        case nil, S_IFREG: return
        case S_IFLNK:
            guard isNamed else { return }
            (cause, remedy) = (
                "is a symbolic link", "name the file that it leads to; for stdout, use kvmctl exec and cat"
            )
        case S_IFDIR: (cause, remedy) = ("is a directory: a file is to be copied there", nil)
        default: (cause, remedy) = ("is not a regular file, and would be replaced", "name another file")
        }
        throw VMError(.cannotCreate, shown(path), cause, remedy: remedy)
    }
}

extension FileEntry {
    init(_ status: stat, path: [UInt8]) {
        self.init(
            path: path, mode: status.st_mode, modified: Int64(status.st_mtim.tv_sec), size: Int64(status.st_size),
            allocated: Int64(status.st_blocks) * 512)
    }
}
