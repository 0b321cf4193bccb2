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
            Ctrl-] leaves, or what --escape names. A Linux guest writes here only with console=ttyS0 on its kernel \
            command line. While somebody else has the console, you see what they see, but can't type; when they leave \
            it is yours.
            """)

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @OptionGroup var quiet: QuietOption
    @Option(help: .escape, transform: OptionValue.escape)
    var escape: ConsoleEscape?

    func run() throws {
        let machine = try Site.current.find(vm)
        try machine.refuseAnothers()
        try ConsoleView(of: machine, escape: try .chosen(escape)).show()
    }
}

extension ArgumentHelp {
    /// `--escape`, which two commands have. No option group, because each takes a fiftieth of a command's start-up.
    static let escape: ArgumentHelp = "What leaves the console, such as ^A. Default: KVMCTL_ESCAPE, or ^]."
}

extension ConsoleEscape {
    /// What `--escape` says, else the environment, else Ctrl-].
    static func chosen(_ given: ConsoleEscape?) throws(VMError) -> ConsoleEscape {
        if let given { return given }
        guard let text = getenv("KVMCTL_ESCAPE").map({ String(cString: $0) }), !text.isEmpty else { return .usual }
        do throws(OptionValue.Fault) { return try OptionValue.escape(text) } catch {
            throw VMError(.usage, "KVMCTL_ESCAPE", error.description)
        }
    }
}
