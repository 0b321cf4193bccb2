import SystemPackage

/// Why something could not be done: the kind of failure, the subject, the cause and the remedy.
///
/// The code decides the exit code (kvmctl(1), EXIT STATUS); the rest is the message, one or two lines that a tired
/// admin can act on without reading anything else.
package struct VMError: Error, Equatable, Sendable {
    /// The closed set of failure kinds, after sysexits(3).
    package enum Code: Sendable, Equatable {
        /// Some of several VMs failed; each was named.
        case partial
        /// The command line is wrong.
        case usage
        /// A file's content is wrong.
        case badData
        /// A file or VM that was named does not exist.
        case notFound
        /// The host lacks something: QEMU, KVM, a bridge, a tool.
        case unavailable
        /// A bug in kvmctl.
        case bug
        /// An output can't be created.
        case cannotCreate
        /// Locked, taken, or in the wrong state for this.
        case busy
        /// Permission denied.
        case denied
        /// A deadline passed.
        case timedOut
    }

    /// What kind of failure this is.
    package var code: Code
    /// The thing that failed: a path, a VM's name, an interface.
    package var subject: String
    /// Why, in one clause: for people, never compared.
    package var cause: String
    /// The same for code, where some depends on it.
    package var condition: Condition?
    /// The kernel's error, if there is one.
    package var errno: Errno?
    /// What to do about it.
    package var remedy: Remedy?
    /// Further lines of the message, such as QEMU's output.
    package var details: [String]

    /// Creates an error; see the properties for what each part holds.
    package init(
        _ code: Code, _ subject: String, _ cause: String, errno: Errno? = nil, remedy: Remedy? = nil,
        details: [String] = [], condition: Condition? = nil
    ) {
        self.code = code
        self.subject = subject
        self.cause = cause
        self.errno = errno
        self.remedy = remedy
        self.details = details
        self.condition = condition
    }

    /// The failure of a system call on `subject`, with the code that matches its errno.
    package init(
        failed errno: Errno, _ subject: String, _ doing: String, remedy: Remedy? = nil, condition: Condition? = nil
    ) {
        let code: Code =
            switch errno {
            case .noSuchFileOrDirectory, .notDirectory: .notFound
            case .permissionDenied, .notPermitted, .readOnlyFileSystem: .denied
            case .fileExists, .noSpace, .diskQuotaExceeded, .fileTooLarge: .cannotCreate
            case .resourceBusy, .addressInUse, .resourceTemporarilyUnavailable: .busy
            case .timedOut: .timedOut
            default: .unavailable
            }
        self.init(
            code, subject, doing, errno: errno, remedy: remedy ?? Self.usualRemedy(errno), condition: condition)
    }

    private static func usualRemedy(_ errno: Errno) -> Remedy? {
        switch errno {
        case .noSpace: "free some space there: \(command: "df -h") shows how full each file system is"
        case .diskQuotaExceeded: "free some space there: \(command: "quota") shows how much you may use"
        default: nil
        }
    }
}

extension VMError: CustomStringConvertible {
    /// The message as it is shown: `SUBJECT: CAUSE: ERRNO`, the details, then the remedy.
    package var description: String {
        ([summary] + details + (remedy.map { [$0.description] } ?? [])).joined(separator: "\n  ")
    }

    /// The first line, `SUBJECT: CAUSE: ERRNO`, whatever names and words of others are in it.
    package var summary: String {
        Printable.foreign(
            (subject.isEmpty ? cause : "\(subject): \(cause)") + (errno.map { ": \($0.description)" } ?? ""))
    }
}
