import Glibc
import VMCore
import VMHost
import VMLife

/// A console on this process's terminal.
struct ConsoleView {
    private let machine: Machine
    private let escape: ConsoleEscape
    private var name: VMName { machine.name }

    init(of machine: Machine, escape: ConsoleEscape) { (self.machine, self.escape) = (machine, escape) }

    /// Shows it until it is left or the VM ends.
    ///
    /// - Parameter fromStart: whether it begins with what the guest has written since its start.
    func show(fromStart: Bool = false) throws {
        let end = try connect(fromStart: fromStart) ?? watch()
        switch end {
        case .left: Message.write("\nkvmctl: left the console of \(name)\n")
        case .closed: Message.write("\nkvmctl: \(name) closed its console\n")
        case .hungUp: break
        }
    }

    /// Nil if another client has it.
    private func connect(fromStart: Bool) throws -> ConsoleEnd? {
        guard let relay = try machine.console() else { return nil }
        if isatty(STDIN_FILENO) == 1 { Message.note("connected to \(name); \(escape) leaves") }
        if fromStart {
            var before = try ConsoleWatch(machine, lastLines: nil)
            while let count = try before.show(output: STDOUT_FILENO), count > 0 {}
        }
        return try run(relay, isNew: true)
    }

    private func run(_ relay: borrowing ConsoleRelay, isNew: Bool) throws(VMError) -> ConsoleEnd {
        try relay.run(input: STDIN_FILENO, output: STDOUT_FILENO, escape: escape, isNew: isNew) {
            Message.write(text($0))
        }
    }

    /// Follows what the holder of the console sees, and takes over when they leave. A script that wants to type is
    /// refused, because nobody would read its input.
    private func watch() throws -> ConsoleEnd {
        guard isatty(STDIN_FILENO) == 1 else {
            throw VMError(
                .busy, name.description, "its console is in use",
                remedy: .run("follow its output", "kvmctl logs --follow \(name)"))
        }
        var watch = try ConsoleWatch(machine)
        Message.note(
            "the console of \(name) is in use: you see its output, but your input is ignored; \(escape) leaves")
        while true {
            if let end = try watch.run(input: STDIN_FILENO, output: STDOUT_FILENO, escape: escape) { return end }
            // Another viewer may have been quicker, or the VM has ended since, which the watch tells.
            guard let relay = try watch.takeOver() else { continue }
            try watch.show(output: STDOUT_FILENO)
            Message.note("the console of \(name) is yours now; \(escape) leaves")
            return try run(relay, isNew: false)
        }
    }

    private func text(_ notice: ConsoleNotice) -> String {
        let text =
            switch notice {
            case .silent:
                "no output yet. Press Enter. A Linux guest writes here only with console=ttyS0 on its kernel command "
                    + "line."
            case .full: "the guest does not read its console: what you type now is lost. \(escape) leaves."
            }
        // The terminal is in raw mode, so a line end needs its carriage return.
        return "\r\nkvmctl: \(text)\r\n"
    }
}
