import ArgumentParser
import Glibc
import VMCore

/// `kvmctl console`.
struct Console: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Connect to a VM's serial console.",
        discussion: "Ctrl-] leaves. A Linux guest writes here only with console=ttyS0 on its kernel command line.")

    @Argument(help: "The VM.", completion: .file())
    var vm: String

    func run() throws {
        let paths = try Places.current()
        let reference = try VMLocator(paths).find(vm)
        let name = reference.name
        let relay = try ConsoleRelay.connect(reference, paths: paths)
        if isatty(STDIN_FILENO) == 1 { Message.note("connected to \(name); Ctrl-] leaves") }
        let end = try relay.run(input: STDIN_FILENO, output: STDOUT_FILENO) {
            // The terminal is in raw mode: a line end needs its carriage return.
            Message.write(
                "\r\nkvmctl: nothing heard yet. Press Enter; a Linux guest writes here only with console=ttyS0 on its "
                    + "kernel command line.\r\n")
        }
        switch end {
        case .left: Message.write("\nkvmctl: left the console of \(name)\n")
        case .closed: Message.write("\nkvmctl: \(name) closed its console\n")
        case .inputEnded: break
        }
    }
}
