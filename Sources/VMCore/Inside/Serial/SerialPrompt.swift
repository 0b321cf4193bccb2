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
        let text = String(decoding: progress.unfinished, as: UTF8.self)
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
