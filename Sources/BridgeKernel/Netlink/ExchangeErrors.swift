import BridgeNet
import SystemPackage

extension NetworkError {
    /// A failed exchange as an error that names the request.
    init(_ failure: ExchangeFailure, subject: String, doing: String) {
        switch failure {
        case .socket(let errno):
            self.init(Code(errno), subject: subject, doing: doing, errno: errno)
        case .refused(let verdict):
            self.init(verdict, subject: subject, doing: doing)
        case .malformed(let error):
            self.init(.malformed(error.description), subject: subject, doing: doing)
        case .interrupted:
            self.init(
                .busy, subject: subject, doing: doing, reason: "the links kept changing while being read",
                remedy: "try again")
        case .timedOut:
            self.init(.timedOut, subject: subject, doing: doing, errno: .timedOut, remedy: "try again")
        }
        if case .refused = failure { mayBeDone = false } else { mayBeDone = true }
    }

    private init(_ verdict: Acknowledgement, subject: String, doing: String) {
        let errno = Errno(rawValue: verdict.code)
        self.init(
            Code(errno), subject: subject, doing: doing,
            reason: errno == .exchangeFull
                ? "the bridge is full: all its 1,023 ports are taken" : nil, errno: errno,
            kernelMessage: verdict.message, remedy: Self.remedy(errno))
    }

    private static func remedy(_ errno: Errno) -> NetworkError.Remedy? {
        switch errno {
        case .exchangeFull: "use another bridge, or stop VMs on this one"
        case .notPermitted, .permissionDenied: "run it as root"
        default: nil
        }
    }
}
