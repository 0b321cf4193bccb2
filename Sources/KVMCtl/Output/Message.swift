import SystemPackage
import VMCore

/// What is said on stderr. Results go to stdout.
enum Message {
    /// A failure: what, why, what to do.
    static func error(_ error: VMError) { write("kvmctl: \(Printable.lines(error.description))\n") }

    /// Something the user should know that is no failure.
    static func note(_ text: String) { write("kvmctl: \(Printable.lines(text))\n") }

    /// Text as it is, unbuffered.
    static func write(_ text: String) {
        // If stderr can't be written, nobody is left to be told.
        try? writeAll(Array(text.utf8), to: .standardError)
    }
}
