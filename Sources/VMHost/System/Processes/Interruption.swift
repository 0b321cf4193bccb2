import CLinux

/// That the user, or a supervisor, ends the command: for what must not be left half done.
package enum Interruption {
    /// Notes it from now on, instead of ending the process. A second signal of the same kind ends it at once.
    package static func note() { clinux_note_interruption() }

    /// The signal, if one has come.
    package static var signal: Int32? {
        let number = clinux_interruption()
        return number == 0 ? nil : number
    }
}
