import ArgumentParser
import CLinux
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl exec`.
struct Exec: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", _superCommandName: Root.name,
        abstract: "Run a command in a guest, through its agent or its serial console.",
        discussion: """
            Input and output are passed on while the command runs, and kvmctl exits with the command's exit code: 128 \
            plus the signal number if a signal ended it. 125 means that kvmctl failed, 124 that --timeout passed; stderr \
            says so, because a command may exit with these codes too. kvmctl's options come before the VM: `kvmctl exec \
            --user www web -- id -un`. The guest needs qemu-guest-agent and /bin/sh. Ctrl-C is passed on. Where stdout \
            and stderr are the same, as on a terminal, they stay in order. Pipes and wildcards need a shell: `kvmctl exec \
            web -- sh -c 'ls | wc -l'`.

            --serial needs no agent: it types at the guest's serial console, which is slow (some 10 kB/s in), and gives it \
            back as it was. A shell has to be there, or a login prompt and --login.
            """)

    @OptionGroup var inside: CommandOptions

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "Give it a terminal. The guest needs script(1).")
    var isOnTerminal = false

    @Flag(
        name: [.customShort("i"), .customLong("interactive")],
        help: "Pass its input on, which is done anyway: -it is -t.")
    var isInteractive = false

    @Flag(
        name: [.customShort("n"), .customLong("no-stdin")],
        help: "Read no input, which a shell loop around it may need: it gets /dev/null.")
    var hasNoInput = false

    @Flag(help: "Type it at the guest's serial console, where there is no agent.")
    var serial = false

    @Option(
        help: .init(
            "With --serial: who logs in if the console asks for that. FILE has the password in its first line.",
            valueName: "user:file"), transform: LoginOption.init)
    var login: LoginOption?

    @Option(
        help: "End it after this time, such as 30s or 5m: by TERM, and 5 s later by KILL.",
        transform: OptionValue.duration)
    var timeout: Duration?

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Argument(
        parsing: .captureForPassthrough, help: .init("`--`, and the command.", valueName: "command"))
    var words: [String] = []

    func validate() throws {
        if let word = words.first, word != "--", word.hasPrefix("-") {
            throw ValidationError(
                "\(word) follows the VM: kvmctl's options come before it, the command's words after --")
        }
        if isInteractive, hasNoInput { throw ValidationError("--interactive and --no-stdin exclude each other") }
        if serial, isOnTerminal {
            throw ValidationError("--serial has no terminal for the command (--tty): use kvmctl console \(vm)")
        }
        if login != nil, !serial { throw ValidationError("--login is for --serial: the agent needs no login") }
        if timeout == .zero { throw ValidationError("--timeout 0 leaves the command no time") }
        guard !command.isEmpty else { throw ValidationError("which command? kvmctl exec \(vm) -- COMMAND") }
    }

    private var command: [String] { words.first == "--" ? Array(words.dropFirst()) : words }

    func run() throws {
        let code: Int32
        do {
            switch try execute() {
            case .exited(let ended): code = ended
            case .overran(let error):
                Message.error(error)
                code = error.code.exitCode
            }
        } catch let error as VMError {
            // Whatever it is: 124 would say that the command's own time had passed.
            Message.error(error)
            code = CommandEnd.ownFailure
        }
        if code == 127 { hintAtShell() }
        if code != 0 { throw GuestExit(code: code) }
    }

    /// Who writes a whole command line as one word is used to ssh(1), which has a shell take it apart.
    private func hintAtShell() {
        guard command.count == 1, let word = command.first, word.contains(where: { " \t|&;<>".contains($0) }) else {
            return
        }
        let shell = ShellCommand(words: ["kvmctl", "exec", vm, "--", "sh", "-c", word])
        Message.note("that one word is looked up as a program; a shell takes it apart: \(command: shell)")
    }

    private func execute() throws -> CommandEnd {
        let machine = try Site.current.find(vm)
        try machine.refuseAnothers()
        var guestCommand = inside.command(command)
        guestCommand.mergesErrors = isOnTerminal || GivenStream.isSame(STDOUT_FILENO, STDERR_FILENO)
        if serial { return try executeOnConsole(guestCommand, of: machine) }
        if isOnTerminal { guestCommand.terminal = Self.terminal }
        let source =
            hasNoInput ? nil : try PieceSource.input(STDIN_FILENO, of: &guestCommand, isOnTerminal: isOnTerminal)
        // Before the command begins: from then on it has to be ended, too. A raw terminal has signals of its own.
        let isRaw = isOnTerminal && !hasNoInput && clinux_terminal_raw(STDIN_FILENO) == 0
        defer { if isRaw { clinux_terminal_restore() } }
        clinux_collect_signals()
        let execution = try Executing(
            guestCommand, in: machine, input: source, output: .stdout, errors: .stderr, within: timeout)
        return try execution.run(timeout: timeout) { GuestSignal(number: clinux_take_signal()) }
    }

    /// By the shell on the serial console.
    private func executeOnConsole(_ guestCommand: GuestCommand, of machine: Machine) throws -> CommandEnd {
        var guestCommand = guestCommand
        let hasInput = !hasNoInput && !GivenStream.isNull(STDIN_FILENO)
        guestCommand.input = hasInput ? .pieces : .none
        let credentials = try login.map { try SerialLogin(user: $0.user, file: $0.file) }
        let execution = try SerialExecuting(
            guestCommand, in: machine, as: credentials, input: hasInput ? STDIN_FILENO : nil, output: .stdout,
            errors: .stderr
        ) { clinux_collect_signals() }
        return try execution.run(timeout: timeout) {
            GuestSignal(number: clinux_take_signal())
        } warn: {
            Message.note($0, about: machine.name)
        }
    }

    private static var terminal: GuestCommand.Terminal {
        let (rows, columns) = TerminalSize.current
        let type = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        return .init(rows: UInt16(clamping: rows), columns: UInt16(clamping: columns), type: type)
    }
}

/// The exit code of a command in a guest.
struct GuestExit: Error { let code: Int32 }

/// The value of `--login`: USER, or USER:FILE.
struct LoginOption {
    let user: String
    let file: String?

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        user = try OptionValue.user(parts[0])
        file = parts.count > 1 && !parts[1].isEmpty ? parts[1] : nil
    }
}

extension OutputStream {
    /// This process's stdout.
    static var stdout: OutputStream { OutputStream(STDOUT_FILENO, name: "stdout") }
    /// This process's stderr.
    static var stderr: OutputStream { OutputStream(STDERR_FILENO, name: "stderr") }
}
