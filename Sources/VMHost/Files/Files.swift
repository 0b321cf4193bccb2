import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Reads a file, at most `limit` bytes of it. Throws `.timedOut` if its file system does not answer.
package func readFile(_ path: FilePath, limit: Int = 1 << 20) throws(Errno) -> [UInt8] {
    if let remote = RemoteMounts.reader(of: path) {
        let seen = try remote.read(path, limit: limit)
        guard seen.status.st_mode & S_IFMT == S_IFREG else { throw .notSupported }
        return seen.bytes
    }
    return try readLocal(path, limit: limit)
}

/// The same for a file on a local file system. O_NONBLOCK: a FIFO in its place must not keep the reader waiting; for
/// regular files it has no effect.
func readLocal(_ path: FilePath, limit: Int) throws(Errno) -> [UInt8] {
    let file = try OwnedDescriptor.open(path, .readOnly, flags: O_NONBLOCK)
    return try readAll(file.descriptor, limit: limit)
}

/// Reads one of kvmctl's run-time files, of any user. Anything but a regular file is refused: it may keep the reader
/// waiting.
package func readOwnFile(_ path: FilePath, limit: Int = 1 << 20) throws(Errno) -> [UInt8] {
    if let remote = RemoteMounts.reader(of: path) {
        let seen = try remote.read(path, limit: limit, followsLinks: false)
        guard seen.status.st_mode & S_IFMT == S_IFREG else { throw .notSupported }
        return seen.bytes
    }
    let file = try OwnedDescriptor.regular(path, .readOnly)
    return try readAll(file.descriptor, limit: limit)
}

/// Reads up to `limit` bytes from the descriptor's position.
package func readAll(_ file: FileDescriptor, limit: Int) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    // Most files here are a few hundred bytes long; a large one is read in growing pieces.
    var piece = 4096
    while bytes.count < limit {
        let wanted = min(piece, limit - bytes.count)
        var failure: Errno?
        let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            count = Glibc.read(file.rawValue, buffer.baseAddress, wanted)
            if count < 0 {
                failure = Errno(rawValue: errno)
                count = 0
            }
        }
        if failure == .interrupted { continue }
        if let failure { throw failure }
        if chunk.isEmpty { break }
        if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
        piece = min(piece * 4, 1 << 20)
    }
    return bytes
}

/// Reads `count` bytes at `offset`, or as many as there are.
package func readBytes(of file: CInt, at offset: Int64, count: Int) throws(Errno) -> [UInt8] {
    guard offset >= 0, offset <= Int64.max - Int64(count) else { return [] }
    var failure: Errno?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = 0
        while filled < count {
            let piece = pread(
                file, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset) + off_t(filled))
            if piece < 0, errno == EINTR { continue }
            if piece < 0 { failure = Errno(rawValue: errno) }
            guard piece > 0 else { break }
            filled += piece
        }
    }
    if let failure { throw failure }
    return bytes
}

/// The last `limit` bytes of one of kvmctl's files, or all of it.
package func readTail(_ path: FilePath, limit: Int) throws(Errno) -> [UInt8] {
    try RemoteMounts.refuseSilent(at: path)
    let file = try OwnedDescriptor.regular(path, .readOnly)
    while true {
        let size = try file.status().st_size
        lseek(file.rawValue, max(0, size - off_t(limit)), SEEK_SET)
        let bytes = try readAll(file.descriptor, limit: limit)
        // If it is shorter by now, its head was just cut off and the tail has moved.
        if try file.status().st_size >= size { return bytes }
    }
}

/// Writes all of it, unbuffered.
package func writeAll(_ bytes: [UInt8], to file: FileDescriptor) throws(Errno) {
    var written = 0
    while written < bytes.count {
        let count = bytes[written...].withUnsafeBytes { Glibc.write(file.rawValue, $0.baseAddress, $0.count) }
        if count < 0 {
            if errno == EINTR { continue }
            throw Errno(rawValue: errno)
        }
        written += count
    }
}

/// Opens one of kvmctl's files, and makes it if it is missing, with exactly these permissions whatever the umask.
package func openOwn(
    _ path: FilePath, _ mode: FileDescriptor.AccessMode, flags: CInt = 0, permissions: UInt32, group: UInt32? = nil
) throws(Errno) -> OwnedDescriptor {
    let file = try OwnedDescriptor.regular(path, mode, flags: flags | O_CREAT, permissions: permissions)
    try file.setRights(permissions, group)
    return file
}

extension OwnedDescriptor {
    /// Gives a file that is kvmctl's exactly these permissions, whatever the umask, and the group.
    borrowing func setRights(_ permissions: UInt32, _ group: UInt32?) throws(Errno) {
        // Fails for a user who is not in the group; the file then keeps the user's own group.
        if let group { fchown(rawValue, UInt32.max, group) }
        if try status().st_mode & 0o7777 != permissions, fchmod(rawValue, permissions) != 0 {
            throw Errno(rawValue: errno)
        }
    }
}

/// Removes a file. A missing one is no error.
package func removeFile(_ path: FilePath) {
    _ = path.withPlatformString { unlink($0) }
}

/// Makes a directory below RUN for root alone. RUN itself may be listed by the group `kvmctl`.
func makePrivateDirectory(_ path: FilePath, below run: FilePath) throws(VMError) {
    let found: stat?
    do throws(Errno) {
        try makeDirectories(run, permissions: 0o750, group: Accounts.lookers)
        try makeDirectories(path, permissions: 0o700)
        found = try status(of: path)
    } catch {
        throw .system(error, path.string, "can't be made")
    }
    if let found { try RunFileOwnership.refuseForeign(found, at: path) }
}

/// Removes a directory if it exists and is empty.
package func removeDirectory(_ path: FilePath) {
    _ = path.withPlatformString { rmdir($0) }
}

/// The result of stat(2); nil if nothing is there. Throws `.timedOut` if the file system does not answer.
package func status(of path: FilePath) throws(Errno) -> stat? {
    if let remote = RemoteMounts.reader(of: path) { return try remote.status(of: path) }
    var result = stat()
    if path.withPlatformString({ stat($0, &result) }) == 0 { return result }
    let error = Errno(rawValue: errno)
    if error == .noSuchFileOrDirectory || error == .notDirectory { return nil }
    throw error
}

/// Whether something is at a path, links followed.
///
/// - Throws: why that can't be determined.
package func isThere(_ path: FilePath) throws(Errno) -> Bool {
    if let remote = RemoteMounts.reader(of: path) { return try remote.status(of: path) != nil }
    if path.withPlatformString({ access($0, F_OK) }) == 0 { return true }
    let error = Errno(rawValue: errno)
    if error == .noSuchFileOrDirectory || error == .notDirectory { return false }
    throw error
}

/// Whether a file of this name is in the directory of another. A list asks it of every VM, and making a FilePath takes much
/// longer than looking.
///
/// - Throws: why that can't be determined.
package func isThere(_ name: String, beside file: FilePath) throws(Errno) -> Bool {
    if RemoteMounts.reader(of: file) != nil { return try isThere(file.removingLastComponent().appending(name)) }
    let error: CInt = file.withPlatformString { path in
        let directory = strrchr(path, CInt(UInt8(ascii: "/"))).map { UnsafePointer($0) - path + 1 } ?? 0
        let sibling = Array(UnsafeBufferPointer(start: path, count: directory)) + name.utf8CString
        return access(sibling, F_OK) == 0 ? 0 : errno
    }
    switch error {
    case 0: return true
    case ENOENT, ENOTDIR: return false
    default: throw Errno(rawValue: error)
    }
}

/// Whether a path is a symbolic link.
///
/// - Throws: why that can't be determined.
package func isLink(_ path: FilePath) throws(Errno) -> Bool {
    if let remote = RemoteMounts.reader(of: path) { return try remote.isLink(path) }
    var result = stat()
    if path.withPlatformString({ lstat($0, &result) }) == 0 { return result.kind == S_IFLNK }
    let error = Errno(rawValue: errno)
    if error == .noSuchFileOrDirectory || error == .notDirectory { return false }
    throw error
}

/// Makes a directory, and the missing ones above it.
package func makeDirectories(_ path: FilePath, permissions: UInt32, group: UInt32? = nil) throws(Errno) {
    do throws(Errno) { try makeDirectory(path, permissions: permissions, group: group) } catch .noSuchFileOrDirectory {
        let parent = path.removingLastComponent()
        guard parent != path, !parent.isEmpty else { throw .noSuchFileOrDirectory }
        try makeDirectories(parent, permissions: permissions, group: group)
        // Once only: a parent that is a dangling link both exists and does not.
        try makeDirectory(path, permissions: permissions, group: group)
    }
}

/// Makes a directory with exactly these permissions, whatever the umask. An existing one is left as it is.
private func makeDirectory(_ path: FilePath, permissions: UInt32, group: UInt32?) throws(Errno) {
    guard path.withPlatformString({ mkdir($0, permissions) }) == 0 else {
        if errno == EEXIST { return }
        throw Errno(rawValue: errno)
    }
    if let group { _ = path.withPlatformString { chown($0, UInt32.max, group) } }
    guard path.withPlatformString({ chmod($0, permissions) }) == 0 else { throw Errno(rawValue: errno) }
}

/// Whether two paths lead to one file. A missing one leads to none; one that can't be examined is an error.
package func isSameFile(_ one: FilePath, _ other: FilePath) throws(Errno) -> Bool {
    if one == other { return true }
    if RemoteMounts.areApart(one, other) { return false }
    guard let a = try status(of: one), let b = try status(of: other) else { return false }
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino
}

/// The names in a directory, sorted, without `.` and `..`; nil if there is no such directory.
///
/// - Throws: why not all of them can be read.
package func names(in directory: FilePath) throws(Errno) -> [String]? {
    if let remote = RemoteMounts.reader(of: directory) {
        do throws(Errno) {
            return try remote.names(in: directory).filter { $0 != "." && $0 != ".." }.sorted()
        } catch .noSuchFileOrDirectory { return nil }
    }
    var opened = directory.withPlatformString { opendir($0) }
    while opened == nil, errno == EINTR { opened = directory.withPlatformString { opendir($0) } }
    guard let stream = opened else {
        let error = Errno(rawValue: errno)
        if error == .noSuchFileOrDirectory { return nil }
        throw error
    }
    defer { closedir(stream) }
    var found: [String] = []
    while true {
        // Only errno tells the end from a failure (readdir(3)).
        errno = 0
        guard let entry = readdir(stream) else {
            let failure = Errno(rawValue: errno)
            if failure == .interrupted { continue }
            guard failure.rawValue == 0 else { throw failure }
            break
        }
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { found.append(name) }
    }
    return found.sorted()
}

/// A user's path, made absolute against the current directory. If that was removed, it is the path of something that is not there
/// either: nothing is to be looked for, or made, elsewhere.
package func absolutePath(_ text: String) -> FilePath {
    let path = FilePath(text)
    if path.isAbsolute { return path.lexicallyNormalized() }
    guard let current = getcwd(nil, 0) else { return FilePath("/proc/self/cwd").pushing(path) }
    defer { free(current) }
    return FilePath(platformString: current).pushing(path).lexicallyNormalized()
}
