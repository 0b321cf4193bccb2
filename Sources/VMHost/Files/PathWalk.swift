import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Follows a path to its end, one directory at a time.
///
/// Each directory is opened below the one before it, and the check applies to the opened directory, so nobody can
/// replace it between check and use, as they could if a path were checked first and opened later. Links are read and
/// followed here for the same reason. Nothing on the way is opened for reading (O_PATH of open(2)), so that no FIFO or
/// device is affected.
package struct PathWalk: ~Copyable {
    /// A directory, a link or a file on the way.
    struct Place {
        var path: FilePath
        var status: stat
        var role: Role
        /// Whether its directory is sticky, as /tmp: other users may make names there, but not remove those of others.
        var isInShared: Bool

        package enum Role: Equatable {
            case directory
            case link
            /// The end of the whole path.
            case end
        }
    }

    /// Why a walk failed.
    package enum Failure: Error {
        /// The kernel's error, and the place where it occurred.
        case system(Errno, FilePath)
        /// Another user could change where the path leads, or what is there.
        case distrusted(UntrustedFile)
    }

    /// The kernel's limit on links (path_resolution(7)).
    private static let mostLinks = 40

    private let judge: ((borrowing OwnedDescriptor, Place) -> UntrustedFile?)?
    private var directory: OwnedDescriptor
    /// The path of `directory`.
    private var here: FilePath
    private var isShared = false
    /// The components still to be walked, the next one last.
    private var rest: [FilePath.Component] = []
    private var links = 0

    /// Walks an absolute path.
    ///
    /// - Parameter judge: is called for everything on the way, once it is open. A returned distrust ends the walk.
    static func find(
        _ path: FilePath, judge: ((borrowing OwnedDescriptor, Place) -> UntrustedFile?)?
    ) throws(Failure) -> FoundFile {
        do throws(Errno) { try RemoteMounts.refuseSilent(at: path) } catch { throw .system(error, path) }
        var walk = PathWalk(from: try root(), judge: judge)
        try walk.enter()
        walk.rest = path.components.reversed()
        return try walk.walk()
    }

    private init(from root: consuming OwnedDescriptor, judge: ((borrowing OwnedDescriptor, Place) -> UntrustedFile?)?) {
        self.judge = judge
        directory = root
        here = "/"
    }

    private static func root() throws(Failure) -> OwnedDescriptor {
        do throws(Errno) { return try .open("/", .readOnly, flags: pathOnly | O_DIRECTORY) } catch {
            throw .system(error, "/")
        }
    }

    private consuming func walk() throws(Failure) -> FoundFile {
        while let component = rest.popLast() {
            guard rest.isEmpty else {
                try pass(component)
                continue
            }
            if let (path, status) = try end(component) {
                return FoundFile(directory: directory, name: component, path: path, status: status)
            }
        }
        // The path is the root, or ends in a link to it.
        let status = try status(of: directory, here)
        return FoundFile(directory: directory, name: ".", path: here, status: status)
    }

    /// Enters a directory, or follows a link to one.
    private mutating func pass(_ component: FilePath.Component) throws(Failure) {
        let path = here.appending(component)
        let raw = component.withPlatformString {
            // O_DIRECTORY: without it the kernel does not trigger automounts.
            openat(directory.rawValue, $0, pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        guard raw < 0 else {
            directory = OwnedDescriptor(FileDescriptor(rawValue: raw))
            here = path
            return try enter()
        }
        guard errno == ENOTDIR else { throw .system(Errno(rawValue: errno), path) }
        let found = try open(component, path)
        let status = try status(of: found, path)
        guard status.kind == S_IFLNK else { throw .system(.notDirectory, path) }
        try follow(found, Place(path: path, status: status, role: .link, isInShared: isShared))
    }

    /// Examines the last component, which need not exist; nil if it is a link, which the walk then follows.
    private mutating func end(_ component: FilePath.Component) throws(Failure) -> (path: FilePath, status: stat?)? {
        let path = here.appending(component)
        let found: OwnedDescriptor
        do throws(Failure) { found = try open(component, path) } catch {
            guard case .system(.noSuchFileOrDirectory, _) = error else { throw error }
            return (path, nil)
        }
        let status = try status(of: found, path)
        guard status.kind != S_IFLNK else {
            try follow(found, Place(path: path, status: status, role: .link, isInShared: isShared))
            return nil
        }
        try judge(found, Place(path: path, status: status, role: .end, isInShared: isShared))
        return (path, status)
    }

    private func open(_ component: FilePath.Component, _ path: FilePath) throws(Failure) -> OwnedDescriptor {
        let raw = component.withPlatformString {
            openat(directory.rawValue, $0, pathOnly | O_NOFOLLOW | O_CLOEXEC)
        }
        guard raw >= 0 else { throw .system(Errno(rawValue: errno), path) }
        return OwnedDescriptor(FileDescriptor(rawValue: raw))
    }

    private mutating func follow(_ link: borrowing OwnedDescriptor, _ place: Place) throws(Failure) {
        links += 1
        guard links <= Self.mostLinks else { throw .system(.tooManySymbolicLinkLevels, place.path) }
        try judge(link, place)
        let target = try self.target(of: link, place.path)
        if target.isAbsolute {
            let root = try Self.root()
            directory = root
            here = "/"
            try enter()
        }
        rest += target.components.reversed()
    }

    /// The empty path stands for the opened link itself (readlinkat(2)).
    private func target(of link: borrowing OwnedDescriptor, _ path: FilePath) throws(Failure) -> FilePath {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let length = readlinkat(link.rawValue, "", &bytes, Int(PATH_MAX))
        guard length > 0 else { throw .system(length < 0 ? Errno(rawValue: errno) : .noSuchFileOrDirectory, path) }
        return FilePath(platformString: bytes)
    }

    /// Judges the directory that the walk has reached.
    private mutating func enter() throws(Failure) {
        guard judge != nil else { return }
        let status = try status(of: directory, here)
        try judge(directory, Place(path: here, status: status, role: .directory, isInShared: isShared))
        isShared = status.st_mode & S_ISVTX != 0 && status.st_mode & 0o022 != 0
    }

    private func judge(_ found: borrowing OwnedDescriptor, _ place: Place) throws(Failure) {
        if let distrust = judge?(found, place) { throw .distrusted(distrust) }
    }

    private func status(of file: borrowing OwnedDescriptor, _ path: FilePath) throws(Failure) -> stat {
        do throws(Errno) { return try file.status() } catch { throw .system(error, path) }
    }
}
