import BridgeKernel
import Glibc
import SystemPackage
import VMCore

/// Reads a file of at most `limit` bytes whole; a longer one is cut there. Of a file system that does not answer, `.timedOut`.
package func readFile(_ path: FilePath, limit: Int = 1 << 20) throws(Errno) -> [UInt8] {
    if let remote = RemoteMounts.reader(of: path) {
        let seen = try remote.read(path, limit: limit)
        guard seen.status.st_mode & S_IFMT == S_IFREG else { throw .notSupported }
        return seen.bytes
    }
    return try readLocal(path, limit: limit)
}

/// The same of a file of which it is known that the kernel alone answers for it. O_NONBLOCK: a FIFO that somebody has put in
/// its place must not keep the reader waiting; for files it means nothing.
func readLocal(_ path: FilePath, limit: Int) throws(Errno) -> [UInt8] {
    let file = try OwnedDescriptor.open(path, .readOnly, flags: O_NONBLOCK)
    return try readAll(file.descriptor, limit: limit)
}

/// Reads a run-time file of kvmctl's, whosever: what is no file, and may keep the reader waiting, is not read.
package func readOwnFile(_ path: FilePath, limit: Int = 1 << 20) throws(Errno) -> [UInt8] {
    if let remote = RemoteMounts.reader(of: path) {
        let seen = try remote.read(path, limit: limit, followsLinks: false)
        guard seen.status.st_mode & S_IFMT == S_IFREG else { throw .notSupported }
        return seen.bytes
    }
    let file = try OwnedDescriptor.regular(path, .readOnly)
    return try readAll(file.descriptor, limit: limit)
}

/// Reads up to `limit` bytes from where the descriptor stands.
package func readAll(_ file: FileDescriptor, limit: Int) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    // Most files here are a few hundred bytes; a large one takes ever larger pieces.
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

/// Reads `count` bytes from `offset` on, or as many as there are.
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

/// The last `limit` bytes of a file of kvmctl's, or all of it.
package func readTail(_ path: FilePath, limit: Int) throws(Errno) -> [UInt8] {
    try RemoteMounts.refuseSilent(at: path)
    let file = try OwnedDescriptor.regular(path, .readOnly)
    while true {
        let size = try file.status().st_size
        lseek(file.rawValue, max(0, size - off_t(limit)), SEEK_SET)
        let bytes = try readAll(file.descriptor, limit: limit)
        // Shorter by now: its beginning was just taken away, and what was the end is elsewhere.
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

/// Puts a file in place whole: readers see the old content or the new.
///
/// - Parameter lasting: returns when the new one would survive a power cut; else the file may come out of that empty.
package func replaceFile(
    _ path: FilePath, with bytes: [UInt8], permissions: UInt32, group: UInt32? = nil, lasting: Bool = false
) throws(Errno) {
    let temporary = FilePath("\(path).\(getpid())")
    do {
        let file = try openOwn(temporary, .writeOnly, flags: O_TRUNC, permissions: permissions, group: group)
        try writeAll(bytes, to: file.descriptor)
        if lasting { try syncToDisk(file) }
    } catch {
        removeFile(temporary)
        throw error
    }
    let renamed = temporary.withPlatformString { from in path.withPlatformString { rename(from, $0) } }
    guard renamed == 0 else {
        let failure = Errno(rawValue: errno)
        removeFile(temporary)
        throw failure
    }
    if lasting { try syncDirectory(path.removingLastComponent()) }
}

/// Opens a file of kvmctl's own, made where it is missing, with exactly these permissions whatever the umask.
package func openOwn(
    _ path: FilePath, _ mode: FileDescriptor.AccessMode, flags: CInt = 0, permissions: UInt32, group: UInt32? = nil
) throws(Errno) -> OwnedDescriptor {
    let file = try OwnedDescriptor.regular(path, mode, flags: flags | O_CREAT, permissions: permissions)
    // A user who is not in the group keeps the file to their own.
    if let group { fchown(file.rawValue, UInt32.max, group) }
    if try file.status().st_mode & 0o7777 != permissions, fchmod(file.rawValue, permissions) != 0 {
        throw Errno(rawValue: errno)
    }
    return file
}

/// Removes a file; one that is not there is as good as removed.
package func removeFile(_ path: FilePath) {
    _ = path.withPlatformString { unlink($0) }
}

/// Makes a directory for root alone, below RUN, which others may look at.
func makePrivateDirectory(_ path: FilePath, below run: FilePath) throws(VMError) {
    let found: stat?
    do throws(Errno) {
        try makeDirectories(run, permissions: 0o750, group: Accounts.lookers)
        try makeDirectories(path, permissions: 0o700)
        found = try status(of: path)
    } catch {
        throw .system(error, path.string, "can't be made")
    }
    if let found { try Custody.refuseForeign(found, at: path) }
}

/// Removes a directory, if it is there and nothing is in it.
package func removeDirectory(_ path: FilePath) {
    _ = path.withPlatformString { rmdir($0) }
}

/// What stat(2) says, or nil where there is nothing. Of a file system that does not answer, `.timedOut`.
package func status(of path: FilePath) throws(Errno) -> stat? {
    if let remote = RemoteMounts.reader(of: path) { return try remote.status(of: path) }
    var result = stat()
    if path.withPlatformString({ stat($0, &result) }) == 0 { return result }
    let error = Errno(rawValue: errno)
    if error == .noSuchFileOrDirectory || error == .notDirectory { return nil }
    throw error
}

/// Whether there is something, or a link to something, at a path.
///
/// - Throws: why that can't be seen.
package func isThere(_ path: FilePath) throws(Errno) -> Bool {
    if let remote = RemoteMounts.reader(of: path) { return try remote.status(of: path) != nil }
    if path.withPlatformString({ access($0, F_OK) }) == 0 { return true }
    let error = Errno(rawValue: errno)
    if error == .noSuchFileOrDirectory || error == .notDirectory { return false }
    throw error
}

/// Whether a path is a symbolic link.
///
/// - Throws: why that can't be seen.
package func isLink(_ path: FilePath) throws(Errno) -> Bool {
    if let remote = RemoteMounts.reader(of: path) { return try remote.isLink(path) }
    var result = stat()
    if path.withPlatformString({ lstat($0, &result) }) == 0 { return result.kind == S_IFLNK }
    let error = Errno(rawValue: errno)
    if error == .noSuchFileOrDirectory || error == .notDirectory { return false }
    throw error
}

/// Makes a directory and those above it, as far as they are missing.
package func makeDirectories(_ path: FilePath, permissions: UInt32, group: UInt32? = nil) throws(Errno) {
    do throws(Errno) { try makeDirectory(path, permissions: permissions, group: group) } catch .noSuchFileOrDirectory {
        let parent = path.removingLastComponent()
        guard parent != path, !parent.isEmpty else { throw .noSuchFileOrDirectory }
        try makeDirectories(parent, permissions: permissions, group: group)
        // Once only: a parent that is a dangling link is there and is not.
        try makeDirectory(path, permissions: permissions, group: group)
    }
}

/// Makes a directory with exactly these permissions, whatever the umask; one that is there is left as it is.
private func makeDirectory(_ path: FilePath, permissions: UInt32, group: UInt32?) throws(Errno) {
    guard path.withPlatformString({ mkdir($0, permissions) }) == 0 else {
        if errno == EEXIST { return }
        throw Errno(rawValue: errno)
    }
    if let group { _ = path.withPlatformString { chown($0, UInt32.max, group) } }
    guard path.withPlatformString({ chmod($0, permissions) }) == 0 else { throw Errno(rawValue: errno) }
}

/// Whether two paths lead to one file. What is not there is no file; what can't be looked at is an error, for it may be.
package func isSameFile(_ one: FilePath, _ other: FilePath) throws(Errno) -> Bool {
    if one == other { return true }
    if RemoteMounts.areApart(one, other) { return false }
    guard let a = try status(of: one), let b = try status(of: other) else { return false }
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino
}

/// The names in a directory, sorted, without `.` and `..`; nil where there is no such directory.
///
/// - Throws: why they can't be read, all of them.
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
        // The end and a failure look alike but for errno (readdir(3)).
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

/// A path from the user made absolute, against the current directory.
package func absolutePath(_ text: String) -> FilePath {
    let path = FilePath(text)
    if path.isAbsolute { return path.lexicallyNormalized() }
    guard let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return FilePath(platformString: current).pushing(path).lexicallyNormalized()
}
