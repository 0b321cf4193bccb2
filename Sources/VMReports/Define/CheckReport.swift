import SystemPackage
import VMCore

/// `kvmctl check`: whether a VM could start.
package struct CheckReport: ObjectReport {
    /// The result.
    package enum Verdict: Sendable {
        /// It could; what the user should know all the same.
        case passed(notices: [String])
        /// It could not. People read the error on stderr.
        case failed(VMError)
    }

    private let name: VMName
    private let file: FilePath
    private let verdict: Verdict

    /// Reports on a VM and its params file.
    package init(_ name: VMName, file: FilePath, _ verdict: Verdict) {
        (self.name, self.file, self.verdict) = (name, file, verdict)
    }

    /// What a verdict is.
    package var schema: Schema { .check }

    /// The VM, and the verdict on it.
    package var members: Members {
        let vm: Members = ["name": .string(name.description), "params": .string(file.string)]
        return vm.merging(Self.members(of: verdict)) { vm, _ in vm }
    }

    /// One line, and one for each notice.
    package var text: [TextBlock] {
        switch verdict {
        case .passed(let notices): ["\(name): ok"] + notices.map { "  note: \($0)" }
        case .failed: []
        }
    }

    /// What the schema has for a VM that could not even be found.
    package static func failed(_ error: VMError) -> Members { members(of: .failed(error)) }

    private static func members(of verdict: Verdict) -> Members {
        switch verdict {
        case .passed(let notices): ["ok": true, "messages": .strings(notices)]
        case .failed(let error): ["ok": false, "messages": [.string(error.description)]]
        }
    }
}
