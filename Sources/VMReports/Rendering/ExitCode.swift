import VMCore

extension VMError.Code {
    /// The exit code: sysexits(3), documented in kvmctl(1) and stable. This is the only place where a failure becomes a
    /// number.
    package var exitCode: Int32 {
        switch self {
        case .partial: 1
        case .usage: 64
        case .badData: 65
        case .notFound: 66
        case .unavailable: 69
        case .bug: 70
        case .cannotCreate: 73
        case .busy: 75
        case .denied: 77
        case .timedOut: 124
        }
    }
}
