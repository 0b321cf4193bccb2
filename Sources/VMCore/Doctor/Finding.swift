import SystemPackage

/// What the doctor found out about one thing.
package struct Finding: Equatable, Sendable {
    /// How bad it is.
    package enum Severity: String, CaseIterable, Sendable {
        /// As it should be.
        case ok
        /// It works, but badly, or not for long; or it could not be looked at.
        case warning
        /// A VM can't start, or can't be reached.
        case problem
    }

    /// How to fix it.
    package enum Fix: Hashable, Sendable {
        /// A shell command, to be run as root unless it says otherwise.
        case command(ShellCommand)
        /// What a person has to do, if no single command does it.
        case step(String)
    }

    /// How bad it is.
    package var severity: Severity
    /// The thing: a VM, a bridge, a part of the host.
    package var subject: String
    /// What was found, in one clause.
    package var text: String
    /// How to fix it; nil if it is as it should be.
    package var fix: Fix?
    /// What a guest shows, if it is about that.
    package var guest: Guest?

    /// What a guest shows.
    package struct Guest: Equatable, Sendable {
        /// What is wrong.
        package var symptom: Symptom.ID
        /// How far it is, or was.
        package var stage: BootStage
        /// The line that shows it, else the last one.
        package var line: String?
    }

    /// That a settings file can't be used.
    package static func unusableSettings(_ error: VMError) -> Finding {
        .problem(
            error.subject,
            "\(([error.cause] + error.details).joined(separator: "; ")): commands that need settings refuse it, and "
                + "what was found here goes by the defaults",
            fix: .step("correct the file; \(command: "kvmctl settings") reads it"))
    }

    /// Something that is as it should be.
    static func ok(_ subject: String, _ text: String) -> Finding {
        Finding(severity: .ok, subject: subject, text: text)
    }

    /// Something that works badly.
    static func warning(_ subject: String, _ text: String, fix: Fix) -> Finding {
        Finding(severity: .warning, subject: subject, text: text, fix: fix)
    }

    /// Something that keeps a VM from starting, or from being reached.
    static func problem(_ subject: String, _ text: String, fix: Fix) -> Finding {
        Finding(severity: .problem, subject: subject, text: text, fix: fix)
    }
}

extension Finding.Fix {
    /// The remedy of an error.
    package init(_ remedy: Remedy) {
        switch remedy {
        case .run(_, let command, _): self = .command(command)
        case .advice(let text): self = .step(text)
        }
    }
}

extension Finding {
    /// An error as a finding; the error's remedy fixes it.
    package init(_ error: VMError, of subject: String? = nil) {
        var itself = error
        if subject == nil { itself.subject = "" }
        self.init(
            severity: .problem, subject: subject ?? error.subject,
            text: ([itself.summary] + error.details).joined(separator: "; "),
            fix: Fix(error.remedy ?? "correct it there"))
    }
}
