import Glibc

/// The manager of services, where it started this very process (systemd.exec(5), SYSTEMD_EXEC_PID and JOURNAL_STREAM).
package enum ServiceManager {
    /// Whether it did: then limits and priorities are those of a unit, and meant. To be asked before this process forks.
    package static let startedThisProcess: Bool =
        getenv("SYSTEMD_EXEC_PID").flatMap { Int32(String(cString: $0)) } == getpid()

    /// Whether a file is its journal's stream.
    static func isJournal(_ file: stat) -> Bool {
        getenv("JOURNAL_STREAM").map { String(cString: $0) } == "\(file.st_dev):\(file.st_ino)"
    }
}
