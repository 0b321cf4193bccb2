import ArgumentParser
import Glibc
import VMCore
import VMHost
import VMLife

/// `kvmctl console`.
struct Console: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console", _superCommandName: Root.name,
        abstract: "Connect to a VM's serial console.",
        discussion: """
            Ctrl-] leaves. A Linux guest writes here only with console=ttyS0 on its kernel command line. While \
            somebody else has the console, you see what they see, but can't type.
            """)

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @OptionGroup var quiet: QuietOption

    func run() throws {
        let machine = try Site.current.find(vm)
        let name = machine.name
        try machine.refuseAnothers()
        let end: ConsoleEnd
        if let relay = try machine.console() {
            if isatty(STDIN_FILENO) == 1 { Message.note("connected to \(name); Ctrl-] leaves") }
            end = try relay.run(input: STDIN_FILENO, output: STDOUT_FILENO) { Message.write(Self.text($0)) }
        } else {
            end = try watch(machine)
        }
        switch end {
        case .left: Message.write("\nkvmctl: left the console of \(name)\n")
        case .closed: Message.write("\nkvmctl: \(name) closed its console\n")
        case .hungUp: break
        }
    }

    /// Follows what the holder of the console sees. A script that wants to type is refused, because nobody would read
    /// its input.
    private func watch(_ machine: Machine) throws -> ConsoleEnd {
        let name = machine.name
        guard isatty(STDIN_FILENO) == 1 else {
            throw VMError(
                .busy, name.description, "its console is in use",
                remedy: .run("follow its output", "kvmctl logs --follow \(name)"))
        }
        var watch = try ConsoleWatch(machine)
        Message.note(
            "the console of \(name) is in use: you see its output, but your input is ignored; Ctrl-] leaves")
        return try watch.run(input: STDIN_FILENO, output: STDOUT_FILENO)
    }

    private static func text(_ notice: ConsoleNotice) -> String {
        let text =
            switch notice {
            case .silent:
                "no output yet. Press Enter. A Linux guest writes here only with console=ttyS0 on its kernel command "
                    + "line."
            case .full: "the guest does not read its console: what you type now is lost. Ctrl-] leaves."
            }
        // The terminal is in raw mode, so a line end needs its carriage return.
        return "\r\nkvmctl: \(text)\r\n"
    }
}
