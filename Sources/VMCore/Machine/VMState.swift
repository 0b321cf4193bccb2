/// What a VM is doing.
package enum VMState: String, CaseIterable, Sendable {
    /// There is no QEMU, and the last one ended in order.
    case stopped
    /// QEMU runs, but the machine has not run yet.
    case starting
    /// The machine runs.
    case running
    /// The machine exists, but its processors are halted.
    case paused
    /// Its state was saved to a file and QEMU ended.
    case suspended
    /// The guest put itself to sleep (ACPI S3).
    case sleeping
    /// The guest's kernel panicked, or QEMU ended without recording why.
    case crashed
    /// It does not run, and its file can't be used.
    case broken
    /// QEMU runs but does not answer.
    case unresponsive
    /// It could not be observed: the caller may not, or something failed.
    case unknown

    /// Whether there is a QEMU process, as far as is known. Where it matters, check for `unknown` first.
    package var isAlive: Bool {
        switch self {
        case .starting, .running, .paused, .sleeping, .unresponsive: true
        case .stopped, .suspended, .crashed, .broken, .unknown: false
        }
    }
}

extension VMState {
    /// Reads states, as an option has them: `running,paused`.
    package static func list(_ text: String) throws(OptionValue.Fault) -> [VMState] {
        try OptionValue.list(text, each: "a state", rule: "States are")
    }
}
