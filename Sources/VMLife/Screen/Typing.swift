import VMCore
import VMHost

extension Machine {
    /// Presses keys on its keyboard, and returns when the last one was let go.
    ///
    /// QEMU is told one chord at a time, and given the time for it: the guest's keyboard controller holds 16 bytes, and
    /// more would be lost. If this command is killed, QEMU lets go of the keys by itself.
    ///
    /// - Parameter hold: how long each key is held down.
    /// - Throws: `.busy` if it is not running, or is paused and would see none of them.
    package func press(_ chords: [KeyChord], holding hold: Duration) throws(VMError) {
        try refuseDeafKeyboard()
        for chord in chords {
            // The monitor is free in between for other commands: a long text takes a while.
            try ask(.press(chord, holding: hold), by: Deadline(in: .seconds(10)))
            pause(chord.duration(holding: hold))
        }
    }

    /// Refuses a VM whose guest would see no key.
    package func refuseDeafKeyboard() throws(VMError) {
        try running(or: "it has no keyboard")
        let state = try ask(.status, by: Deadline(in: .seconds(5)))
        guard state.vmState == .paused else { return }
        throw VMError(
            .busy, name.description, "it is paused (\(state.name)), so its guest would not see the keys",
            remedy: .run("let it go on", "kvmctl resume \(name)"))
    }
}
