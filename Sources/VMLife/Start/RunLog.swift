import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// The log files of one run. A start creates new ones; the previous run's are kept beside them as `NAME.1`.
enum RunLog {
    /// Renames the logs of the last run, so that new ones can be created.
    ///
    /// - Returns: the logs that existed.
    static func setAside(_ vm: Machine) throws(VMError) -> [FilePath] {
        var moved: [FilePath] = []
        let paths = vm.paths
        vm.keepRun()
        // Nothing writes to them any more. One that can't be trimmed stays as it is.
        _ = LogBound(vm.site).enforce(on: vm.name)
        for path in [
            paths.record(vm.name), paths.consoleLog(vm.name), paths.firmwareLog(vm.name), paths.qemuLog(vm.name),
        ] {
            let previous = previous(path)
            // Before the rename: renaming over a file makes ext4 write the data out at once (auto_da_alloc), which
            // takes milliseconds.
            removeFile(previous)
            if path.withPlatformString({ from in previous.withPlatformString { rename(from, $0) } }) == 0 {
                moved.append(path)
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

    /// Creates a log file, and opens it append-only.
    static func begin(_ path: FilePath) throws(VMError) -> OwnedDescriptor {
        do throws(Errno) {
            try makeDirectories(path.removingLastComponent(), permissions: 0o750, group: Accounts.lookers)
            return try openOwn(path, .writeOnly, flags: O_APPEND, permissions: 0o640, group: Accounts.lookers)
        } catch { throw cannotBegin(path, error) }
    }

    static func cannotBegin(_ path: FilePath, _ error: Errno) -> VMError {
        .system(error, path.string, "can't create the log")
    }

    /// The path of the previous run's log.
    static func previous(_ path: FilePath) -> FilePath { FilePath("\(path).1") }
}
