import CLinux
import VMCore
import VMLife

/// The signals that end what this process does, as they come.
struct EndingSignals {
    let taken = RunSignals { clinux_take_signal() }

    /// Collects them from now on, instead of being ended by them.
    init() { clinux_collect_signals() }

    /// Does something that a signal ends early. The exit code is then that of a shell whose command the signal has ended.
    func heed<Result>(_ body: (RunSignals) throws -> Result) throws -> Result {
        do { return try body(taken) } catch let error as VMError {
            guard let signal = taken.first else { throw error }
            Message.error(error)
            throw GuestExit(code: 128 + signal)
        }
    }
}
