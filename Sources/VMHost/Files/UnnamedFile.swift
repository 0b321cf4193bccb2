import BridgeKernel
import Glibc
import SystemPackage

/// A new file in a directory, open for reading and writing, that no other process can find.
///
/// Where the file system can't make one without a name (O_TMPFILE, open(2)), it loses the name at once.
package func unnamedFile(in directory: FilePath) throws(Errno) -> OwnedDescriptor {
    do throws(Errno) {
        return try .open(directory, .readWrite, flags: temporaryFile | O_EXCL, permissions: 0o600)
    } catch {
        guard error == .notSupported || error == .isDirectory else { throw error }
    }
    let name = "kvmctl-\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    let path = directory.appending(name)
    let file = try OwnedDescriptor.open(
        path, .readWrite, flags: O_CREAT | O_EXCL | O_NOFOLLOW, permissions: 0o600)
    removeFile(path)
    return file
}
