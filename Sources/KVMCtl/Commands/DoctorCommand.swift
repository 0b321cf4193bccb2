import ArgumentParser
import SystemPackage
import VMCore
import VMLife

/// `kvmctl doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", _superCommandName: Root.name,
        abstract: "Find everything that stops a VM from starting or from being reached, and say how to fix it.",
        discussion: """
            A problem stops a VM from starting or from being reached. A warning is about something that works badly, \
            or that could not be looked at. Below each stands the command that fixes it, to be run as root. Exits with \
            0 if there is no problem, else with 69.
            """)

    @Argument(help: "Only these VMs and bridges, and the host.", completion: .vm)
    var subjects: [String] = []

    @OptionGroup var output: OutputOptions

    func run() throws {
        let site = try Site.current
        let findings = try Doctor(site, trust: try site.trust()).findings(for: subjects)
        if output.json {
            output.print(list: findings.map(\.json))
        } else {
            findings.forEach { print($0.lines) }
            print(Self.summary(findings))
        }
        if findings.contains(where: { $0.severity == .problem }) {
            throw SomeFailed(code: ExitStatus.code(of: .unavailable))
        }
    }

    private static func summary(_ findings: [Finding]) -> String {
        func count(_ severity: Finding.Severity) -> String {
            let number = findings.filter { $0.severity == severity }.count
            return number == 0 ? "no \(severity)s" : "\(number) \(severity)\(number == 1 ? "" : "s")"
        }
        return "\(count(.problem)), \(count(.warning))"
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

    /// As JSON (docs/json.md, schema kvmctl.doctor/1).
    fileprivate var json: JSON {
        var (command, step): (String?, String?)
        switch fix {
        case .command(let line): command = line.description
        case .step(let text): step = text
        case nil: break
        }
        return [
            "schema": "kvmctl.doctor/1", "severity": .string(severity.rawValue), "subject": .string(subject),
            "text": .string(text), "command": .optional(command), "step": .optional(step),
        ]
    }
}
