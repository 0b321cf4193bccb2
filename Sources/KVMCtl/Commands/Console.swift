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
    @OptionGroup var escape: EscapeOption

    func run() throws {
        let machine = try Site.current.find(vm)
        try machine.refuseAnothers()
        try ConsoleView(of: machine, escape: try escape.chosen()).show()
    }
}

/// `--escape`.
struct EscapeOption: ParsableArguments {
    @Option(
        name: .customLong("escape"), help: "What leaves the console, such as ^A. Default: KVMCTL_ESCAPE, or ^].",
        transform: OptionValue.escape)
    var given: ConsoleEscape?

    /// The option, else the environment, else Ctrl-].
    func chosen() throws(VMError) -> ConsoleEscape {
        if let given { return given }
        guard let text = getenv("KVMCTL_ESCAPE").map({ String(cString: $0) }), !text.isEmpty else { return .usual }
        do throws(OptionValue.Fault) { return try OptionValue.escape(text) } catch {
            throw VMError(.usage, "KVMCTL_ESCAPE", error.description)
        }
    }
}
