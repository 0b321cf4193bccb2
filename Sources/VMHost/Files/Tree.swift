import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// A directory and what is below it, where no link is followed: whoever may change the tree, or has sent the names, leads
/// nobody out of it.
package final class Tree {
    private let root: OwnedDescriptor
    /// For messages.
    package let path: FilePath
    /// The directory that was entered last: files come one directory after the other.
    private var entered: OwnedDescriptor?
    private var enteredPath: [UInt8] = []

    /// Opens the directory; links on the way to it are followed, as the caller wrote them.
    package init(_ path: FilePath) throws(Errno) {
        root = try .directory(path)
        self.path = path
    }

    /// The same, to write to: nobody else may change where the path leads.
    package init(_ path: FilePath, _ trust: FileTrust) throws(PathWalk.Failure) {
        root = try trust.directory(path)
        self.path = path
    }

    /// The path of something in it, for messages.
    package func shown(_ path: [UInt8]) -> String {
        BytePath.shown(BytePath.join(Array(self.path.string.utf8), path))
    }

    /// Does something with the directory that holds `path`, and the name there; for the tree itself, `.`.
    private func at<Result: ~Copyable>(
        _ path: [UInt8], _ body: (CInt, UnsafePointer<CChar>) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        let (directory, name) = BytePath.split(path)
        guard BytePath.isBelow(path), path.isEmpty || !name.isEmpty else { throw .invalidArgument }
        let parent = try enter(directory)
        let text = (name.isEmpty ? [CChar(bitPattern: UInt8(ascii: "."))] : name.map { CChar(bitPattern: $0) }) + [0]
        return try body(parent, text)
    }

    private func enter(_ path: [UInt8]) throws(Errno) -> CInt {
        if path.isEmpty { return root.rawValue }
        if enteredPath == path, let raw = entered?.rawValue { return raw }
        // Trees are walked downwards: often only the last of the way is new.
        let isBelow = path.starts(with: enteredPath + [UInt8(ascii: "/")]) && !enteredPath.isEmpty
        let rest = isBelow ? Array(path.dropFirst(enteredPath.count + 1)) : path
        var directory: OwnedDescriptor?
        for name in BytePath.components(rest) {
            let text = name.map { CChar(bitPattern: $0) } + [0]
            let from = directory?.rawValue ?? (isBelow ? entered?.rawValue : nil) ?? root.rawValue
            let raw = openat(from, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard raw >= 0 else { throw Errno(rawValue: errno) }
            directory = OwnedDescriptor(FileDescriptor(rawValue: raw))
        }
        guard let raw = directory?.rawValue else { return root.rawValue }
        enteredPath = path
        entered = consume directory
        return raw
    }

    /// The status of what is there, not of what a link leads to; nil: nothing is.
    package func status(of path: [UInt8]) throws(Errno) -> stat? {
        do throws(Errno) {
            return try at(path) { (directory, name) throws(Errno) in
                var found = stat()
                guard fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 else { throw Errno(rawValue: errno) }
                return found
            }
        } catch .noSuchFileOrDirectory { return nil }
    }

    /// Opens something.
    package func open(
        _ path: [UInt8], _ mode: FileDescriptor.AccessMode, flags: CInt = 0, permissions: mode_t = 0
    ) throws(Errno) -> OwnedDescriptor {
        try at(path) { (directory, name) throws(Errno) in
            let flags = mode.rawValue | flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
            let raw = openat(directory, name, flags, permissions)
            guard raw >= 0 else { throw Errno(rawValue: errno) }
            return OwnedDescriptor(FileDescriptor(rawValue: raw))
        }
    }

    /// Where a link leads.
    package func target(of path: [UInt8]) throws(Errno) -> [UInt8] {
        try at(path) { (directory, name) throws(Errno) in
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = readlinkat(directory, name, &bytes, bytes.count)
            guard length >= 0 else { throw Errno(rawValue: errno) }
            return bytes.prefix(length).map { UInt8(bitPattern: $0) }
        }
    }

    /// The names in a directory.
    package func names(in path: [UInt8]) throws(Errno) -> [[UInt8]] {
        let raw = try open(path, .readOnly, flags: O_DIRECTORY).release()
        guard let stream = fdopendir(raw) else {
            let error = Errno(rawValue: errno)
            close(raw)
            throw error
        }
        defer { closedir(stream) }
        var found: [[UInt8]] = []
        while true {
            // Only errno tells the end from a failure (readdir(3)).
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw Errno(rawValue: errno) }
                return found
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != Array(".".utf8), name != Array("..".utf8) { found.append(name) }
        }
    }

    // Changes

    /// Makes a directory. False if there is one already.
    package func makeDirectory(_ path: [UInt8]) throws(Errno) -> Bool {
        try at(path) { (directory, name) throws(Errno) in
            if mkdirat(directory, name, 0o700) == 0 { return true }
            var found = stat()
            let error = Errno(rawValue: errno)
            guard error == .fileExists, fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0,
                found.kind == S_IFDIR
            else { throw error }
            return false
        }
    }

    /// Makes a link.
    package func makeLink(_ path: [UInt8], to target: [UInt8]) throws(Errno) {
        let target = target.map { CChar(bitPattern: $0) } + [0]
        try at(path) { (directory, name) throws(Errno) in
            guard symlinkat(target, directory, name) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// Gives something another name in its directory, in place of any file that has it.
    package func rename(_ path: [UInt8], to name: [UInt8]) throws(Errno) {
        let new = name.map { CChar(bitPattern: $0) } + [0]
        try at(path) { (directory, old) throws(Errno) in
            guard renameat(directory, old, directory, new) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// Removes a file or a link. A missing one is no error.
    package func remove(_ path: [UInt8]) throws(Errno) {
        try at(path) { (directory, name) throws(Errno) in
            guard unlinkat(directory, name, 0) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
        }
    }

    /// Gives a directory its permissions, less those that the umask takes, and its time.
    package func finishDirectory(_ path: [UInt8], permissions: UInt32, modified: Int64) throws(Errno) {
        let directory = try open(path, .readOnly, flags: O_DIRECTORY)
        try directory.setCopied(permissions: permissions, modified: modified)
    }
}

extension OwnedDescriptor {
    /// Gives a copy its permissions, less those that the umask takes, and its time.
    package borrowing func setCopied(permissions: UInt32, modified: Int64) throws(Errno) {
        let mask = umask(0o077)
        umask(mask)
        var times = [timespec(tv_sec: 0, tv_nsec: utimeOmit), timespec(tv_sec: Int(modified), tv_nsec: 0)]
        guard fchmod(rawValue, permissions & ~mask) == 0, futimens(rawValue, &times) == 0 else {
            throw Errno(rawValue: errno)
        }
    }
}

/// UTIME_OMIT of utimensat(2), a macro that Swift can't read (bits/stat.h).
private let utimeOmit = (1 << 30) - 2
