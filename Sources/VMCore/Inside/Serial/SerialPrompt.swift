/// What a console asks for, by what it shows once nothing more comes.
package enum SerialPrompt: Equatable, Sendable {
    /// A user's name: getty(8), login(1).
    case login
    /// A password.
    case password
    /// root's password, or Ctrl-D to go on booting: sulogin(8).
    case maintenance
    /// A command, as far as its last character tells.
    case shell
    /// Something that is no shell: the symptom, the line, what to do.
    case deadEnd(cause: String, line: String, advice: String)
    /// Nothing.
    case silent
    /// A line of another program.
    case other(String)

    /// What such a console asks for.
    ///
    /// - Parameters:
    ///   - line: the line that the cursor is in.
    ///   - progress: what the guest wrote.
    ///   - vm: its name, and its file.
    package init(_ progress: BootProgress, vm: String, file: String) {
        let text = Self.question(progress)
        let ends = Symptoms.all.filter { $0.isDeadEnd && progress.shows($0) != nil }
        func deadEnd(_ row: Symptom) -> Self {
            .deadEnd(cause: row.cause, line: progress.shows(row) ?? text, advice: row.advice(vm, file))
        }
        if let row = ends.first(where: { Self.noShells.contains($0.id) }) {
            self = deadEnd(row)
        } else if let asked = Self.asked(text) {
            self = asked
        } else if let row = ends.first(where: { !Self.shells.contains($0.id) }) {
            self = deadEnd(row)
        } else {
            self = text.isEmpty ? .silent : .other(text)
        }
    }

    /// Prompts of what is no shell, and dead ends in which a shell waits.
    private static let noShells: [Symptom.ID] = [.grubRescue, .grubPrompt, .uefiShell]
    private static let shells: [Symptom.ID] = [.initramfsShell, .rescueShell, .emergencyShell]

    /// Whether something is asked in a line that a message of the kernel has ended: the cursor is elsewhere by now.
    package static func isHidden(_ progress: BootProgress) -> Bool {
        let text = question(progress)
        return asked(text) != nil && !progress.unfinished.elementsEqual(text.utf8)
    }

    /// The line that the cursor would be in, had the kernel said nothing.
    private static func question(_ progress: BootProgress) -> String {
        let lines = progress.lastLines
        for (number, line) in lines.enumerated().reversed() {
            let text = withoutKernel(line)
            let isUnfinished = number == lines.count - 1 && !progress.unfinished.isEmpty
            if !text.isEmpty { return isUnfinished || text.utf8.count < line.utf8.count ? text : "" }
        }
        return ""
    }

    /// What is before a message of the kernel, `[    1.234567] …`, or before the beginning of one at the end.
    private static func withoutKernel(_ line: String) -> String {
        let bytes = Array(line.utf8)
        for start in bytes.indices where bytes[start] == UInt8(ascii: "[") {
            let rest = bytes[(start + 1)...].drop { $0 == 0x20 }
            let seconds = rest.prefix { (0x30...0x39).contains($0) }
            let fraction = rest.dropFirst(seconds.count)
            guard fraction.isEmpty || !seconds.isEmpty && fraction.first == UInt8(ascii: ".") else { continue }
            let end = fraction.dropFirst().drop { (0x30...0x39).contains($0) }
            guard end.isEmpty || end.first == UInt8(ascii: "]") else { continue }
            let text = bytes[..<start].lastIndex { $0 != 0x20 }.map { bytes[...$0] } ?? []
            return String(decoding: text, as: UTF8.self)
        }
        return line
    }

    private static func asked(_ text: String) -> SerialPrompt? {
        let lower = text.lowercased()
        if lower.hasSuffix("login:") { return .login }
        if text.contains("Press Enter for maintenance") || text.contains("password for maintenance")
            || text.contains("press Control-D to continue")
        {
            return .maintenance
        }
        if lower.hasSuffix(":"),
            ["password", "passwor", "passwd", "passe", "contrase", "пароль"].contains(where: lower.contains)
        {
            return .password
        }
        return isShell(text) ? .shell : nil
    }

    /// `>` also ends the prompts of programs that would take a line of the shell as something else.
    private static func isShell(_ text: String) -> Bool {
        guard let last = text.unicodeScalars.last else { return false }
        if text == "(initramfs)" || text.hasPrefix("dracut:") { return true }
        return "#$%❯".unicodeScalars.contains(last) || last == ">" && text.contains { "@~/".contains($0) }
    }
}
