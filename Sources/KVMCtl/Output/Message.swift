import SystemPackage
import VMCore
import VMHost
import VMReports

/// Messages, on stderr. Results go to stdout.
enum Message {
    /// A failure: what, why, what to do.
    static func error(_ error: VMError) { write("kvmctl: \(Printable.lines(error.description))\n") }

    /// Something that the user should know and that is not a failure.
    static func note(_ text: String) { write("kvmctl: \(Printable.lines(text))\n") }

    /// Text as it is, unbuffered.
    static func write(_ text: String) {
        // If stderr can't be written, there is nobody left to tell.
        try? writeAll(Array(text.utf8), to: .standardError)
    }
}

extension [VMError] {
    /// The errors, merged where they differ only in their subject: a thousand VMs may fail for one reason.
    var merged: [VMError] {
        var groups: [(error: VMError, subjects: [String])] = []
        for error in self {
            let same = groups.firstIndex { group in
                var other = group.error
                other.subject = error.subject
                return other == error
            }
            if let same { groups[same].subjects.append(error.subject) } else { groups.append((error, [error.subject])) }
        }
        return groups.map { error, subjects in
            var error = error
            let rest = subjects.count - 3
            error.subject = subjects.prefix(3).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
            return error
        }
    }
}
