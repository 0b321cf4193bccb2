import BridgeKernel
import Glibc
import SystemPackage

/// Replaces a file atomically: readers see the old content or the new.
///
/// - Parameter lasting: return only once the new content would survive a power cut. Without it the file may be empty
///   then.
package func replaceFile(
    _ path: FilePath, with bytes: [UInt8], permissions: UInt32, group: UInt32? = nil, lasting: Bool = false
) throws(Errno) {
    let directory = path.removingLastComponent()
    let unnamed: OwnedDescriptor
    do throws(Errno) {
        unnamed = try .open(directory, .writeOnly, flags: temporaryFile, permissions: permissions)
    } catch .notSupported, .isDirectory {
        // The file system has no O_TMPFILE: it has a name from the beginning, which no other process uses.
        let named = FilePath("\(unfinished(path)).\(getpid())")
        do {
            let file = try openOwn(named, .writeOnly, flags: O_TRUNC, permissions: permissions)
            try fill(file, bytes, permissions, group, lasting)
            try rename(named, to: path)
        } catch {
            removeFile(named)
            throw error
        }
        if lasting { try syncDirectory(directory) }
        return
    }
    try fill(unnamed, bytes, permissions, group, lasting)
    try give(unnamed, name: path)
    if lasting { try syncDirectory(directory) }
}

/// Removes a file that `replaceFile` wrote, and what a killed command has left of it. A missing one is no error.
package func removeReplacedFile(_ path: FilePath) throws(Errno) {
    removeFile(unfinished(path))
    guard path.withPlatformString({ unlink($0) }) != 0, errno != ENOENT else { return }
    throw Errno(rawValue: errno)
}

/// Gives a complete file a name, in place of whatever has it.
///
/// linkat(2) replaces nothing and rename(2) needs a name, so it has that of `unfinished` in between, which is the same
/// for every process: what a kill leaves there at that moment, the next one takes away.
private func give(_ file: borrowing OwnedDescriptor, name path: FilePath) throws(Errno) {
    let temporary = unfinished(path)
    let source = "/proc/self/fd/\(file.rawValue)"
    var failure = Errno.fileExists
    // Others that replace it at this moment take the name away, or have it: their files are complete too.
    for _ in 0..<100 {
        guard temporary.withPlatformString({ linkat(AT_FDCWD, source, AT_FDCWD, $0, AT_SYMLINK_FOLLOW) }) == 0 else {
            failure = Errno(rawValue: errno)
            guard failure == .fileExists else { throw failure }
            removeFile(temporary)
            continue
        }
        do throws(Errno) { return try rename(temporary, to: path) } catch {
            failure = error
            if error != .noSuchFileOrDirectory { break }
        }
    }
    removeFile(temporary)
    throw failure
}

/// The name, hidden, of what is to replace a file.
package func unfinished(_ path: FilePath) -> FilePath {
    path.removingLastComponent().appending(".\(path.lastComponent?.string ?? "").kvmctl")
}

private func fill(
    _ file: borrowing OwnedDescriptor, _ bytes: [UInt8], _ permissions: UInt32, _ group: UInt32?, _ lasting: Bool
) throws(Errno) {
    try file.setRights(permissions, group)
    try writeAll(bytes, to: file.descriptor)
    if lasting { try syncToDisk(file) }
}

private func rename(_ old: FilePath, to new: FilePath) throws(Errno) {
    let result = old.withPlatformString { from in new.withPlatformString { Glibc.rename(from, $0) } }
    if result != 0 { throw Errno(rawValue: errno) }
}
