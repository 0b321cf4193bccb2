import Glibc

/// The service manager, if it started this very process (systemd.exec(5), SYSTEMD_EXEC_PID and JOURNAL_STREAM).
package enum ServiceManager {
    /// Whether it did: limits and priorities are then a unit's, and intended. Read it before this process forks.
    package static let startedThisProcess: Bool =
        getenv("SYSTEMD_EXEC_PID").flatMap { Int32(String(cString: $0)) } == getpid()

    /// Whether a file is the journal's stream.
    static func isJournal(_ file: stat) -> Bool {
        getenv("JOURNAL_STREAM").map { String(cString: $0) } == "\(file.st_dev):\(file.st_ino)"
    }
}
