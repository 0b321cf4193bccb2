import CLinux
import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

/// Messages, on stderr. Results go to stdout.
enum Message {
    /// A failure: what, why, what to do.
    static func error(_ error: VMError) { write("kvmctl: \(Printable.lines(error.description))\n") }

    /// Whether notices are left out: `--quiet`.
    // Only the main thread prints.
    nonisolated(unsafe) static var isQuiet = false

    /// What was noted about VMs, and the further VMs of which the same is true.
    nonisolated(unsafe) private static var noted: [(text: String, first: String, others: [String])] = []

    /// Something that the user should know and that is not a failure.
    static func note(_ text: String) {
        // Looked up where there is something to say: many commands need no settings.
        if !isQuiet, (try? Site.current)?.settings.isQuiet != true { write("kvmctl: \(Printable.lines(text))\n") }
    }

    /// What is wrong with the command line.
    static func usage(_ text: String) { write("kvmctl: \(Printable.lines(text))\n") }

    /// The same about one of several VMs. It is said about the first of them; the others follow at the end, as one line.
    static func note(_ text: String, about vm: some CustomStringConvertible) {
        if let known = noted.firstIndex(where: { $0.text == text }) {
            if noted[known].first != vm.description { noted[known].others.append(vm.description) }
            return
        }
        noted.append((text, vm.description, []))
        note("\(vm): \(text)")
    }

    /// Names the VMs of which the same is true as of one before.
    static func noteTheOthers() {
        for (text, first, others) in noted where !others.isEmpty {
            note("\(others.summary): as \(first): \(text)")
        }
        noted = []
    }

    /// Text as it is, unbuffered, after the results before it: where both go to one file, it stands between their lines.
    static func write(_ text: String) {
        // What is lost is told at the end.
        _ = clinux_flush_stdout()
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
            error.subject = subjects.summary
            return error
        }
    }
}

extension [String] {
    /// The first three, and how many more there are.
    fileprivate var summary: String {
        prefix(3).joined(separator: ", ") + (count > 3 ? " and \(count - 3) more" : "")
    }
}
