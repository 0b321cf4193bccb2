/// What a VM is doing (DESIGN §2.2).
package enum VMState: String, CaseIterable, Sendable {
    /// No QEMU, and the last one ended in order.
    case stopped
    /// QEMU is there and the machine has not run yet.
    case starting
    /// The machine runs.
    case running
    /// The machine is there and stands still.
    case paused
    /// Its state was saved to a file and QEMU ended.
    case suspended
    /// The guest put itself to sleep (ACPI S3).
    case sleeping
    /// QEMU ended without a word.
    case crashed
    /// QEMU is there and does not answer.
    case unresponsive
    /// It could not be looked at; the caller may not, or something failed.
    case unknown

    /// Whether there is a QEMU process, as far as it is known: where that matters, `unknown` has to be asked for first.
    package var isAlive: Bool {
        switch self {
        case .starting, .running, .paused, .sleeping, .unresponsive: true
        case .stopped, .suspended, .crashed, .unknown: false
        }
    }
}
