/// What `qemu-img check` found in a qcow2 image (qemu-img(1), check).
package struct QCOW2Check: Equatable, Sendable {
    /// What is wrong: two owners of one cluster, tables that lead beyond the end, what could not be checked.
    package var errors: Int
    /// Clusters that nothing refers to. They take space and do no harm.
    package var leaks: Int
    /// How many errors were repaired.
    package var errorsFixed: Int
    /// How many such clusters were freed.
    package var leaksFixed: Int
    /// What qemu-img said of them.
    package var messages: [String]

    /// Whether what is read from the image may be wrong.
    package var isDamaged: Bool { errors > 0 }

    /// Reads what it prints with `--output=json`: a document between the lines about what it found.
    ///
    /// - Returns: nil if it did not get to the end of its check.
    package init?(output: String) {
        let lines = output.split(separator: "\n")
        guard let start = lines.firstIndex(of: "{"), let end = lines[start...].firstIndex(of: "}"),
            let found = try? JSON(parsing: Array(lines[start...end].joined(separator: "\n").utf8))
        else { return nil }
        func number(_ key: String) -> Int { Int(clamping: max(0, found[key]?.integer ?? 0)) }
        guard found["check-errors"] != nil else { return nil }
        errors = number("corruptions") + number("check-errors")
        leaks = number("leaks")
        (errorsFixed, leaksFixed) = (number("corruptions-fixed"), number("leaks-fixed"))
        messages = (lines[..<start] + lines[(end + 1)...]).map { Printable.foreign(String($0)) }
    }
}

extension QCOW2Check: CustomStringConvertible {
    /// In words, as a clause.
    package var description: String {
        func count(_ number: Int, _ one: String, _ several: String) -> String {
            "\(number) \(number == 1 ? one : several)"
        }
        var parts: [String] = []
        if errors > 0 { parts.append(count(errors, "error", "errors")) }
        if errorsFixed > 0 { parts.append(count(errorsFixed, "error was repaired", "errors were repaired")) }
        if leaksFixed > 0 { parts.append(count(leaksFixed, "unused cluster was freed", "unused clusters were freed")) }
        if leaks > 0 {
            parts.append(
                count(leaks, "cluster takes space that nothing uses", "clusters take space that nothing uses"))
        }
        return parts.isEmpty ? "no errors" : parts.joined(separator: ", ")
    }
}
