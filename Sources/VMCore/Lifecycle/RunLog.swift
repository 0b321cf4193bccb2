import Glibc
import SystemPackage

/// The log files of one run. A start begins new ones; those of the run before stay beside them as `NAME.1`.
enum RunLog {
    /// Begins a log: an append-only descriptor on a new file.
    static func begin(_ path: FilePath) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            try makeDirectories(path.removingLastComponent(), permissions: 0o750, group: Accounts.lookers)
            let previous = previous(path)
            let moved = path.withPlatformString { from in previous.withPlatformString { rename(from, $0) } }
            if moved != 0, errno != ENOENT { throw Errno(rawValue: errno) }
            let file = try OwnedDescriptor.open(
                path, .writeOnly, flags: O_CREAT | O_APPEND | O_NOFOLLOW, permissions: 0o640)
            if let group = Accounts.lookers { fchown(file.rawValue, UInt32.max, group) }
            return file
        } catch {
            throw .system(error, path.string, "can't begin the log")
        }
    }

    /// The log of the run before.
    static func previous(_ path: FilePath) -> FilePath { FilePath("\(path).1") }
}
