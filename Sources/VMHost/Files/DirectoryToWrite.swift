import BridgeKernel
import Glibc
import SystemPackage

extension FileTrust {
    /// Opens a directory that something is to be written to, for a user who named it.
    package func directory(_ path: FilePath) throws(PathWalk.Failure) -> OwnedDescriptor {
        do throws(Errno) {
            try RemoteMounts.refuseSilent(at: path)
            // An ordinary user's rights suffice, and the kernel's rules for others' links (proc_sys_fs(5)).
            guard actsAsRoot else { return try .directory(path) }
        } catch { throw .system(error, path) }
        let found = try find(path, asDirectory: true)
        do throws(Errno) { return try found.open(.readOnly, flags: O_DIRECTORY) } catch { throw .system(error, path) }
    }
}
