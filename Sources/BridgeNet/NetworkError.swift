public import SystemPackage

/// Why a network operation failed, in terms that a person can act on.
public struct NetworkError: Error, Equatable, Sendable {
    /// What kind of failure it is. The set is closed: callers map every case to an exit code.
    public enum Code: Hashable, Sendable {
        /// The caller may not do this (EPERM, EACCES).
        case denied
        /// The interface, or a device file such as /dev/net/tun, is not there.
        case notFound
        /// The name is taken, or belongs to a device of another kind.
        case exists
        /// In use, down, full, or changing too fast: the wrong moment for this.
        case busy
        /// An impossible value.
        case invalid
        /// The kernel does not support this.
        case unsupported
        /// The kernel did not answer in time.
        case timedOut
        /// The kernel's answer is malformed: a bug, in the kernel or here. The text says where.
        case malformed(String)
        /// Anything else; see `errno`.
        case failed
    }

    /// The kind of failure.
    public let code: Code
    /// The interface concerned.
    public let subject: String
    /// What was being done, as in `joining bridge br0`.
    public let doing: String
    /// The cause, in words.
    public let reason: String
    /// The kernel's error number, where there is one.
    public let errno: Errno?
    /// The kernel's own words: the text of its extended acknowledgement (netlink(7), NETLINK_EXT_ACK).
    public let kernelMessage: String?
    /// What to do about it.
    public let remedy: Remedy?
    /// The operations, in words, that should have been undone after this failure and could not be.
    public package(set) var notUndone: [String] = []

    /// Whether a retry may succeed: the kernel ran short of something, or could not be asked.
    public var isPassing: Bool {
        let shortages: [Errno] = [.noBufferSpace, .noMemory, .resourceTemporarilyUnavailable, .interrupted]
        return mayBeDone || errno.map(shortages.contains) == true
    }

    /// Whether it may have been done despite the error: the kernel did not answer, or its answer could not be decoded.
    package var mayBeDone = false

    package init(
        _ code: Code, subject: String, doing: String, reason: String? = nil, errno: Errno? = nil,
        kernelMessage: String? = nil, remedy: Remedy? = nil
    ) {
        self.code = code
        self.subject = subject
        self.doing = doing
        self.reason = reason ?? errno?.description ?? code.reason
        self.errno = errno
        self.kernelMessage = kernelMessage
        self.remedy = remedy
    }
}

extension NetworkError.Code {
    /// The kind of failure that an error number stands for.
    package init(_ errno: Errno) {
        switch errno {
        case .notPermitted, .permissionDenied: self = .denied
        case .noSuchFileOrDirectory, .noSuchDevice, .noSuchAddressOrDevice: self = .notFound
        case .fileExists: self = .exists
        case .resourceBusy, .exchangeFull: self = .busy
        case .invalidArgument, .outOfRange, .addressNotAvailable: self = .invalid
        case .notSupportedOnSocket, .notSupported, .addressFamilyNotSupported: self = .unsupported
        case .timedOut: self = .timedOut
        default: self = .failed
        }
    }

    fileprivate var reason: String {
        switch self {
        case .denied: "not permitted"
        case .notFound: "no such interface"
        case .exists: "the name is taken"
        case .busy: "busy"
        case .invalid: "invalid"
        case .unsupported: "this kernel does not support it"
        case .timedOut: "the kernel did not answer in time"
        case .malformed(let detail): "the kernel's answer is malformed: \(detail)"
        case .failed: "it failed"
        }
    }
}

extension Errno {
    /// ENODEV, which netlink returns for a link that does not exist.
    package static let noSuchDevice = Errno.operationNotSupportedByDevice
    /// EXFULL: a bridge without a free port (`find_portno`, net/bridge/br_if.c). SystemPackage has no name for it.
    package static let exchangeFull = Errno(rawValue: 54)
}

extension NetworkError: CustomStringConvertible {
    /// One line: the interface, what was being done, the cause, the kernel's words and the remedy.
    public var description: String {
        var text = "\(subject): \(doing): \(reason)"
        if let kernelMessage { text += " (\(kernelMessage))" }
        if !notUndone.isEmpty { text += "; could not undo: \(notUndone.joined(separator: ", "))" }
        if let remedy { text += "; \(remedy)" }
        return text
    }
}
