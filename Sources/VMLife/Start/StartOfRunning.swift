import VMCore
import VMHost

// The start of a VM that runs already.
extension Starting.Outcome {
    /// Of a VM that runs already, if it has what the start was to give it.
    static func alreadyRunning(
        _ process: ProcessIdentity?, _ options: StartOptions, of vm: Machine
    ) throws(VMError) -> Self {
        try vm.refuseRunning(options)
        return .alreadyRunning(process)
    }
}

extension Machine {
    /// Refuses options that count only when a VM starts, for one that runs.
    ///
    /// - Throws: `.busy`, with what does the same for it.
    package func refuseRunning(_ options: StartOptions) throws(VMError) {
        guard let iso = options.cdrom else { return }
        throw VMError(
            .busy, name.description, "is already running, and takes \(options.cdromWord) only when it starts",
            remedy: .run(
                "to put the ISO into its drive",
                ShellCommand(words: ["kvmctl", "cdrom", "insert", "\(name)", "\(iso)"])))
    }
}
