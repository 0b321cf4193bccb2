import SystemPackage
import VMCore

extension VMError {
    /// The failure of a system call on `subject`, with the code that its errno stands for. If a file system that does not answer
    /// is why, the remedy names it.
    package static func system(
        _ errno: Errno, _ subject: String, _ doing: String, remedy: Remedy? = nil, condition: Condition? = nil
    ) -> VMError {
        VMError(
            failed: errno, subject, doing, remedy: remedy ?? RemoteMounts.remedy(for: errno), condition: condition)
    }
}
