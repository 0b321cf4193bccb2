import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The log files of one run. A start begins new ones; those of the run before stay beside them as `NAME.1`.
enum RunLog {
    /// Puts the logs of the last run beside the place where new ones will begin.
    ///
    /// - Returns: those that there were.
    static func setAside(_ paths: Paths, _ name: VMName) throws(VMError) -> [FilePath] {
        var moved: [FilePath] = []
        for path in [paths.record(name), paths.consoleLog(name), paths.qemuLog(name)] {
            let previous = previous(path)
            // First: renaming onto a file makes ext4 write the data out at once (auto_da_alloc), which takes milliseconds.
            removeFile(previous)
            if path.withPlatformString({ from in previous.withPlatformString { rename(from, $0) } }) == 0 {
                moved.append(path)
                // Nobody writes to it any more. Where it can't be cut, it is as it was.
                try? LogBound(paths).enforce(on: previous)
            } else if errno != ENOENT {
                throw .system(Errno(rawValue: errno), path.string, "can't be set aside")
            }
        }
        return moved
    }

    /// Undoes `setAside` for a log.
    static func bringBack(_ path: FilePath) {
        let previous = previous(path)
        _ = previous.withPlatformString { from in path.withPlatformString { rename(from, $0) } }
    }

    /// Begins a log: an append-only descriptor on a new file.
    static func begin(_ path: FilePath) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            try makeDirectories(path.removingLastComponent(), permissions: 0o750, group: Accounts.lookers)
            return try openOwn(path, .writeOnly, flags: O_APPEND, permissions: 0o640, group: Accounts.lookers)
        } catch { throw cannotBegin(path, error) }
    }

    static func cannotBegin(_ path: FilePath, _ error: Errno) -> VMError {
        .system(error, path.string, "can't begin the log")
    }

    /// The log of the run before.
    static func previous(_ path: FilePath) -> FilePath { FilePath("\(path).1") }
}
