/// Why a QEMU ended, by the word in its record (QEMU, qapi/run-state.json, ShutdownCause).
package enum ShutdownCause: Equatable, Sendable {
    /// QEMU was told to quit, over its monitor or by a signal.
    case quit
    /// kvmctl killed it.
    case killed
    /// The guest's kernel panicked, and told the pvpanic device.
    case panic
    /// Anything else, such as a guest that shut itself down.
    case other

    /// The word in the entry that kvmctl adds when it has to kill QEMU, which can't record that itself.
    package static let killedWord = "kvmctl-sigkill"

    /// From the word in the record.
    package init(_ word: String) {
        self =
            switch word {
            case "host-qmp-quit", "host-signal": .quit
            case Self.killedWord: .killed
            case "guest-panic": .panic
            default: .other
            }
    }
}
