import VMCore
import VMHost

/// The way to a shell on a guest's console: what is there is looked at first, and nothing is typed that a login prompt, a boot
/// loader or another program would take for something else.
struct SerialShell {
    private let line: SerialLine
    private let login: SerialLogin?
    /// How far the login is.
    private var step = Step.none
    private var isKeyPressed = false
    /// When Enter may be pressed again.
    private var nextKey = Deadline(in: .zero)
    /// What was asked there at first by something that is no shell.
    private var question: String?
    /// How far the guest's boot was at first.
    private var stage = BootStage.unknown

    private enum Step { case none, named, identified }

    /// How long a console is quiet when it has shown all of its prompt.
    private static let quiet = Duration.milliseconds(300)
    /// How long it may take to show one, at the end of a boot on a busy host too, and to log in: a wrong password costs some
    /// seconds in the guest.
    private static let patience = Duration.seconds(20)
    private static let loginPatience = Duration.seconds(40)
    /// After how long Enter is pressed again: a message of the kernel may hide the prompt.
    private static let interval = Duration.seconds(2)

    init(_ line: SerialLine, _ login: SerialLogin?) { (self.line, self.login) = (line, login) }

    private var name: String { line.vm.name.description }

    /// Reaches it.
    ///
    /// - Returns: whether it was logged in for that.
    /// - Throws: what is there instead.
    mutating func reach() throws(VMError) -> Bool {
        var deadline = Deadline(in: Self.patience)
        stage = line.progress.shownStage
        // A boot loader's prompt, or a panic, is in the log: nothing is typed there.
        switch SerialPrompt(line.progress, of: line.vm) {
        case .deadEnd: break
        case .other(let text):
            question = text
            try type("")
        default: try type("")
        }
        while true {
            let prompt = SerialPrompt(line.progress, of: line.vm)
            switch prompt {
            case .shell: return step != .none
            case .deadEnd(let cause, let text, let advice):
                throw VMError(
                    .unavailable, name, "no shell is on its console: \(cause)", remedy: .advice(advice),
                    details: [Self.shown(text)])
            case .login:
                try giveName()
                deadline = Deadline(in: Self.loginPatience)
            case .password, .maintenance: try givePassword(prompt)
            case .silent, .other:
                if deadline.hasPassed { throw failure(prompt) }
                try settle(in: nextKey.remaining)
                if step != .named, nextKey.hasPassed { try type("") }
            }
            if deadline.hasPassed { throw failure(prompt) }
        }
    }

    /// Types a line, and waits for what comes of it. What was there before does not count any more.
    private mutating func type(_ text: String, upTo limit: Duration = interval) throws(VMError) {
        line.forget()
        try line.send(text)
        nextKey = Deadline(in: max(limit, Self.interval))
        try settle(in: limit)
    }

    /// Waits for something, and then until nothing more comes, or a message of the kernel hides a prompt.
    private func settle(in limit: Duration) throws(VMError) {
        let end = Deadline(in: limit)
        var hasCome = false
        while !end.hasPassed {
            // The prompt of a shell that was there comes as a whole.
            let isShell = step == .none && SerialPrompt(line.progress, of: line.vm) == .shell
            let comes = try line.listen(in: hasCome ? isShell ? Self.quiet / 3 : Self.quiet : end.remaining)
            if hasCome, !comes || SerialPrompt.isHidden(line.progress) { return }
            hasCome = hasCome || comes
        }
    }

    private mutating func giveName() throws(VMError) {
        guard let login else {
            throw VMError(
                .denied, name, "its console asks for a login",
                remedy: "name a user, and a file with the password in its first line: --login USER:FILE")
        }
        guard step == .none else {
            throw VMError(
                .denied, name, "the guest refused the login of \(Printable.quoted(login.user)) on its console",
                remedy: login.password == nil
                    ? "name a file with the password: --login USER:FILE"
                    : "check the user's name and the password; root may not be allowed to log in there (/etc/securetty)"
            )
        }
        step = .named
        try type(login.user)
    }

    private mutating func givePassword(_ prompt: SerialPrompt) throws(VMError) {
        // sulogin(8) asks for root's password alone.
        let isAsked = step == .named || step == .none && prompt == .maintenance && login?.user == "root"
        if isAsked, let password = login?.password {
            step = .identified
            return try type(password, upTo: .seconds(10))
        }
        if prompt == .maintenance {
            throw VMError(
                .denied, name, "its console asks for root's password, for maintenance: the guest did not boot",
                remedy: "give it: --login root:FILE, with the password in the first line of FILE")
        }
        if step != .none || isKeyPressed {
            // Nothing is left half-way: an empty line ends the question.
            try? line.send("")
            throw VMError(
                .denied, name,
                step == .named
                    ? "the guest asks for a password" : "the guest asks for another password than the one given",
                remedy: step == .named
                    ? "name a file with it: --login USER:FILE"
                    : "it may have expired: log in yourself (\(command: "kvmctl console \(name)"))")
        }
        // Somebody has typed a name and gone away.
        isKeyPressed = true
        try type("", upTo: .seconds(10))
    }

    private mutating func failure(_ prompt: SerialPrompt) -> VMError {
        if case .other(let text) = prompt { question = text }
        if let question {
            return VMError(
                .busy, name, "another program than a shell has its console",
                remedy: "end it there: \(command: "kvmctl console \(name)")", details: [Self.shown(question)])
        }
        let stage = max(stage, line.progress.shownStage)
        return VMError(
            .unavailable, name,
            stage == .unknown || stage == .up
                ? "nobody answers on its console"
                : "nobody answers on its console, and its boot shows no more than \(stage.words)",
            remedy: """
                wait for its boot (\(command: "kvmctl wait \(name)")), or see what has its console \
                (\(command: "kvmctl console \(name)")): it needs a shell or a login on its serial port
                """)
    }

    /// A line of the guest's, for a message.
    static func shown(_ text: String) -> String {
        "its console shows: \(Printable.foreign(Printable.excerpt(text, limit: 120)))"
    }

    /// Logs out, and waits until the guest asks for a login again. False if it does not.
    static func leave(_ line: SerialLine) throws(VMError) -> Bool {
        line.forget()
        _ = try line.listen(in: .seconds(3))
        while try line.listen(in: quiet) {}
        try line.send(" exit")
        let end = Deadline(in: .seconds(10))
        while !end.hasPassed {
            try line.listen(in: min(end.remaining, .seconds(1)))
            if SerialPrompt(line.progress, of: line.vm) == .login { return true }
        }
        return false
    }
}
