/// What QEMU says the machine is doing (QEMU, qapi/run-state.json, RunState). This is the only place where its words mean
/// something.
package struct RunState: Equatable, Sendable {
    /// QEMU's word.
    package let name: String

    /// From QEMU's word. An unknown one, of a later QEMU, is a machine that exists and stands still.
    package init(_ name: String) { self.name = name }

    /// What the VM is doing.
    package var vmState: VMState {
        switch name {
        case "running", "shutdown": .running
        case "prelaunch", "inmigrate": .starting
        case "suspended": .sleeping
        default: .paused
        }
    }

    /// Why QEMU halted the processors by itself; nil if it did not.
    ///
    /// - Parameter recorded: the disk failure that the flight record tells of.
    package func pauseReason(_ recorded: PauseReason?) -> PauseReason? {
        switch name {
        case "io-error": recorded ?? .ioError(disk: nil, cause: nil)
        case "guest-panicked": .panic
        case "internal-error": .internalError
        case "watchdog": .watchdog
        default: nil
        }
    }

    /// Whether a saved state is being loaded.
    package var isLoading: Bool { name == "inmigrate" }

    /// Whether the machine stands still because it was saved.
    package var isSaved: Bool { name == "postmigrate" }

    /// Whether the machine can be saved, so that it can go on from there.
    package var isSavable: Bool { ["running", "paused", "postmigrate", "finish-migrate"].contains(name) }

    /// What the machine needs before its guest can see the ACPI power button.
    package enum Attention: Equatable, Sendable {
        /// Nothing.
        case ready
        /// The processors are halted (`cont`). The reason may have been fixed since.
        case resume
        /// The guest sleeps (`system_wakeup`).
        case wakeUp
        /// The guest will never see it.
        case none
    }

    /// What the machine needs before its guest can see the ACPI power button.
    package var attention: Attention {
        switch name {
        case "guest-panicked", "internal-error", "shutdown": .none
        case "paused", "io-error", "watchdog", "postmigrate": .resume
        case "suspended": .wakeUp
        default: .ready
        }
    }
}
