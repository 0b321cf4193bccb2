import ArgumentParser
import VMCore
import VMHost
import VMLife

/// `kvmctl ssh`.
struct SSH: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh", _superCommandName: Root.name,
        abstract: "Log in to a guest by SSH, or run a command there.",
        discussion: """
            Connects to the address that `kvmctl ip` finds first; on QEMU's own network to the port that a FORWARDn \
            leads to the guest's port 22. kvmctl turns into ssh, whose exit code is the command's. kvmctl's options \
            come before the VM; ssh's own follow it after `--`: `kvmctl ssh --user root web -- -t top`. The guest's \
            host key is known by its name and UUID, whatever its address is.
            """)

    @Option(name: .shortAndLong, help: "The user to log in as. Default: ssh's own.")
    var user: String?

    @Flag(name: .customLong("dry-run"), help: "Print ssh's command line, and don't run it.")
    var isDryRun = false

    @Argument(help: "The VM.", completion: .vm)
    var vm: String

    @Argument(parsing: .captureForPassthrough, help: "The command, or `--` and ssh's own words.")
    var words: [String] = []

    func validate() throws {
        if let at = vm.lastIndex(of: "@"), !vm.contains("/") {
            throw ValidationError(
                "\(vm): the user is an option: kvmctl ssh --user \(vm[..<at]) \(vm[vm.index(after: at)...])")
        }
        if let word = words.first, word != "--", word.hasPrefix("-") {
            throw ValidationError("\(word) follows the VM: kvmctl's options come before it, ssh's own after --")
        }
    }

    func run() throws {
        let machine = try Site.current.find(vm)
        try machine.refuseAnothers()
        let access = try machine.sshAccess()
        let given = words.first == "--" ? Array(words.dropFirst()) : words
        let arguments = access.target.arguments(identity: access.identity, user: user, given)
        if isDryRun { return print("\(ShellCommand(words: ["ssh"] + arguments))") }
        guard let ssh = UserProgram("ssh") else {
            throw VMError(
                .unavailable, machine.name.description, "needs ssh, which this host does not have",
                remedy: .run("install it", "apt-get install openssh-client"))
        }
        try ssh.become(arguments)
    }
}
