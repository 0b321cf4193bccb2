import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore

/// O_PATH of open(2), a macro that Swift can't read (asm-generic/fcntl.h).
let pathOnly: CInt = 0o10_000_000

/// The end of a path: the directory that holds it, kept open, and its name there.
///
/// Everything is done below that directory, so a path that changes meanwhile has no effect.
package struct FoundFile: ~Copyable {
    private let directory: OwnedDescriptor
    private let name: FilePath.Component
    /// Its path, with links resolved.
    package let path: FilePath
    /// The status when it was found; nil if the directory had no such name.
    package let status: stat?
    /// Whose rights it is accessed with.
    var rights = FileRights.own

    init(directory: consuming OwnedDescriptor, name: FilePath.Component, path: FilePath, status: stat?) {
        self.directory = directory
        self.name = name
        self.path = path
        self.status = status
    }

    /// Which file it is; nil if there was none.
    package var identity: FileIdentity? { status.map { FileIdentity($0) } }

    /// Opens it, without following a link and without waiting, as opening a FIFO would.
    ///
    /// - Throws: `.staleNFSFileHandle` if another file has its name by now.
    package func open(_ mode: FileDescriptor.AccessMode, flags: CInt = 0) throws(Errno) -> OwnedDescriptor {
        guard let identity else { throw .noSuchFileOrDirectory }
        let opened = try rights.act { () throws(Errno) in
            try at { openat($0, $1, mode.rawValue | flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
        }
        guard FileIdentity(try opened.status()) == identity else { throw .staleNFSFileHandle }
        return opened
    }

    /// Opens it for reading, if it is a regular file.
    ///
    /// - Throws: `.notSupported` if it is something else.
    package func openRegular() throws(Errno) -> OwnedDescriptor {
        // Checked before opening, since opening a device can have an effect (/dev/watchdog starts the watchdog).
        if let status, status.kind != S_IFREG { throw .notSupported }
        let opened = try open(.readOnly)
        guard opened.pseudoFileSystem == nil else { throw .notSupported }
        return opened
    }

    /// Opens the directory that holds it, for files without a name (O_TMPFILE).
    func openInDirectory(_ mode: FileDescriptor.AccessMode, flags: CInt, permissions: mode_t) throws(Errno)
        -> OwnedDescriptor
    {
        try rights.act { () throws(Errno) in
            try Self.owned(openat(directory.rawValue, ".", mode.rawValue | flags | O_CLOEXEC, permissions))
        }
    }

    /// Makes a new file.
    func create(_ mode: FileDescriptor.AccessMode, permissions: mode_t) throws(Errno) -> OwnedDescriptor {
        try rights.act { () throws(Errno) in
            try at { openat($0, $1, mode.rawValue | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, permissions) }
        }
    }

    /// Gives an unnamed file this name. linkat(2) fails if the name exists: nothing is ever overwritten.
    func give(name file: borrowing OwnedDescriptor) throws(Errno) {
        let source = "/proc/self/fd/\(file.rawValue)"
        guard name.withPlatformString({ linkat(AT_FDCWD, source, directory.rawValue, $0, AT_SYMLINK_FOLLOW) }) == 0
        else {
            throw Errno(rawValue: errno)
        }
    }

    /// Makes a directory of this name.
    func makeDirectory(permissions: mode_t) throws(Errno) {
        try rights.act { () throws(Errno) in
            guard name.withPlatformString({ mkdirat(directory.rawValue, $0, permissions) }) == 0 else {
                throw Errno(rawValue: errno)
            }
        }
    }

    /// Removes its name, if it still leads to `file`.
    ///
    /// - Throws: `.noSuchFileOrDirectory` if the name is gone, `.staleNFSFileHandle` if another file has it.
    package func remove(_ file: FileIdentity) throws(Errno) { try remove(file, flags: 0) }

    /// The same for an empty directory.
    package func removeDirectory(_ directory: FileIdentity) throws(Errno) { try remove(directory, flags: AT_REMOVEDIR) }

    /// Removes the directory of this name if it is empty.
    func removeEmptyDirectory() {
        _ = rights.act { () -> Errno? in
            name.withPlatformString { unlinkat(directory.rawValue, $0, AT_REMOVEDIR) } == 0
                ? nil : Errno(rawValue: errno)
        }
    }

    /// Gives it another name in its directory, in place of any file that has that one, if its own still leads to `file`.
    ///
    /// - Throws: as `remove`.
    package func rename(_ file: FileIdentity, to other: FilePath.Component) throws(Errno) {
        try rights.act { () throws(Errno) in
            guard let now = try statusNow() else { throw .noSuchFileOrDirectory }
            guard FileIdentity(now) == file else { throw .staleNFSFileHandle }
            let failed = name.withPlatformString { old in
                other.withPlatformString { renameat(directory.rawValue, old, directory.rawValue, $0) != 0 }
            }
            if failed { throw Errno(rawValue: errno) }
        }
    }

    private func remove(_ file: FileIdentity, flags: CInt) throws(Errno) {
        try rights.act { () throws(Errno) in
            guard let now = try statusNow() else { throw .noSuchFileOrDirectory }
            guard FileIdentity(now) == file else { throw .staleNFSFileHandle }
            guard name.withPlatformString({ unlinkat(directory.rawValue, $0, flags) }) == 0 else {
                throw Errno(rawValue: errno)
            }
        }
    }

    /// The status of whatever has the name now; nil if nothing has.
    package func statusNow() throws(Errno) -> stat? { try Self.status(of: name, in: directory) }

    private static func status(
        of name: FilePath.Component, in directory: borrowing OwnedDescriptor
    ) throws(Errno) -> stat? {
        var found = stat()
        let result = name.withPlatformString { fstatat(directory.rawValue, $0, &found, AT_SYMLINK_NOFOLLOW) }
        if result == 0 { return found }
        if errno == ENOENT { return nil }
        throw Errno(rawValue: errno)
    }

    /// Waits until the names in the directory would survive a power cut.
    package func syncDirectory() throws(Errno) {
        let directory = try openInDirectory(.readOnly, flags: O_DIRECTORY, permissions: 0)
        try syncToDisk(directory)
    }

    /// Another name in the same directory.
    package func sibling(_ name: FilePath.Component) throws(Errno) -> FoundFile {
        let same = try openInDirectory(.readOnly, flags: pathOnly | O_DIRECTORY, permissions: 0)
        let status = try Self.status(of: name, in: same)
        var found = FoundFile(
            directory: same, name: name, path: path.removingLastComponent().appending(name), status: status)
        found.rights = rights
        return found
    }

    /// Gives it another name in the same directory, if it is still the same and nothing has that name.
    ///
    /// - Throws: `.fileExists` if something has the name; `.staleNFSFileHandle` if another file has its own.
    package func rename(to new: FilePath.Component) throws(Errno) {
        try rights.act { () throws(Errno) in
            guard try statusNow().map({ FileIdentity($0) }) == identity else { throw .staleNFSFileHandle }
            let result = name.withPlatformString { old in
                new.withPlatformString { clinux_rename_to_free_name(directory.rawValue, old, $0) }
            }
            guard result == 0 else { throw Errno(rawValue: -result) }
        }
    }

    /// Gives the file of another name in the same directory this name. Whoever opens it finds the old file or the new.
    func takeOver(from other: borrowing FoundFile) throws(Errno) {
        try rights.act { () throws(Errno) in
            let result = other.name.withPlatformString { from in
                name.withPlatformString { renameat(other.directory.rawValue, from, directory.rawValue, $0) }
            }
            guard result == 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// Why it can't be written to; nil if it can.
    package var writeFailure: Errno? { failure(of: W_OK, name) }

    /// Why the device can't be claimed, as a mounted file system claims its device (open(2), O_EXCL): `.resourceBusy`
    /// if it is claimed already; nil if it can be.
    package var claimFailure: Errno? {
        do throws(Errno) {
            let claimed = try open(.readOnly, flags: O_EXCL)
            extendLifetime(claimed)
            return nil
        } catch { return error }
    }

    /// Why it can't be executed; nil if it can.
    var executeFailure: Errno? { failure(of: X_OK, name) }

    /// Why no file can be made in its directory; nil if one can.
    package var directoryFailure: Errno? { failure(of: W_OK | X_OK, ".") }

    /// Which directory holds it.
    package func directoryIdentity() throws(Errno) -> FileIdentity { FileIdentity(try directory.status()) }

    /// Asked with the effective rights, not the real ones (AT_EACCESS of faccessat(2)).
    private func failure(of mode: CInt, _ name: FilePath.Component) -> Errno? {
        rights.act {
            name.withPlatformString { faccessat(directory.rawValue, $0, mode, AT_EACCESS) } == 0
                ? nil : Errno(rawValue: errno)
        }
    }

    private func at(_ open: (CInt, UnsafePointer<CChar>) -> CInt) throws(Errno) -> OwnedDescriptor {
        try Self.owned(name.withPlatformString { open(directory.rawValue, $0) })
    }

    private static func owned(_ raw: CInt) throws(Errno) -> OwnedDescriptor {
        guard raw >= 0 else { throw Errno(rawValue: errno) }
        return OwnedDescriptor(FileDescriptor(rawValue: raw))
    }
}

extension FileTrust {
    /// The beginning of a regular file that is trusted.
    ///
    /// - Parameter limit: the most bytes that are read.
    package func content(of path: FilePath, limit: Int) throws(PathWalk.Failure) -> [UInt8] {
        let found = try find(path)
        do throws(Errno) {
            let opened = try found.openRegular()
            return try readAll(opened.descriptor, limit: limit)
        } catch { throw .system(error, path) }
    }
}
