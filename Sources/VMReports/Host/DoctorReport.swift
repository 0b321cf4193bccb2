import VMCore

/// `kvmctl doctor`: what was found, and how to fix it.
package struct DoctorReport: Report {
    private let findings: [Finding]

    /// Reports findings in this order.
    package init(_ findings: [Finding]) { self.findings = findings }

    /// What a finding is.
    package var schema: Schema { .doctor }

    /// An object for each finding.
    package var content: Content { .array(findings.map(\.members)) }

    /// The findings, and how many there are.
    package var text: [TextBlock] {
        findings.map { .lines($0.lines) } + ["\(count(of: .problem)), \(count(of: .warning))"]
    }

    private func count(of severity: Finding.Severity) -> String {
        let number = findings.filter { $0.severity == severity }.count
        return number == 0 ? "no \(severity)s" : "\(number) \(severity)\(number == 1 ? "" : "s")"
    }
}

extension Finding {
    /// For people: `problem  br0: is down`, and below it how to fix it.
    fileprivate var lines: String {
        let column = 9
        let word = severity.rawValue + String(repeating: " ", count: column - severity.rawValue.count)
        let first = "\(word)\(subject): \(text)"
        let indent = String(repeating: " ", count: column)
        return switch fix {
        case .command(let line): "\(first)\n\(indent)fix: \(line)"
        case .step(let text): "\(first)\n\(indent)\(text)"
        case nil: first
        }
    }

    fileprivate var members: Members {
        var (command, step): (String?, String?)
        switch fix {
        case .command(let line): command = line.description
        case .step(let text): step = text
        case nil: break
        }
        return [
            "severity": .string(severity.rawValue), "subject": .string(subject), "text": .string(text),
            "command": .optional(command), "step": .optional(step),
            "symptom": .optional(guest?.symptom.rawValue), "stage": .optional(guest?.stage.rawValue),
            "line": .optional(guest?.line),
        ]
    }
}
