import BridgeNet
import VMCore

extension VMError {
    /// A network error as an error about a VM.
    package init(_ error: NetworkError) {
        let code: Code =
            switch error.code {
            case .denied: .denied
            case .notFound, .unsupported, .failed: .unavailable
            case .exists, .busy: .busy
            case .invalid: .badData
            case .timedOut: .timedOut
            case .malformed: .bug
            }
        var details: [String] = []
        if let text = error.kernelMessage { details.append("the kernel says: \(text)") }
        if !error.notUndone.isEmpty {
            details.append("could not be undone: \(error.notUndone.joined(separator: ", "))")
        }
        self.init(
            code, error.subject, "\(error.doing): \(error.reason)", remedy: error.remedy.map { Remedy($0) },
            details: details)
    }
}
