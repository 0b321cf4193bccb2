import ArgumentParser
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl run`.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", _superCommandName: Root.name,
        abstract: "Run a command in a VM that exists for it alone.",
        discussion: """
            Boots the VM, waits until its guest is up, runs the command inside, and removes all of it: `kvmctl run web -- \
            make check`. What the guest writes to its disks goes to unnamed files in TMPDIR (/var/tmp) and is gone in the \
            end, so that a VM, or an image, serves as a model for any number of runs at a time; it must not run itself. \
            Each run has a name of its own (run-XXXXXX), UUID and MACs; FORWARDn, VNCDISP, PROTECT and AUTOSTART of the \
            model do not count, and SHAREn is shared read-only, unless --set names it.

            The command's input and output are passed on, and kvmctl exits with its exit code, as `kvmctl exec` does: 128 \
            plus the signal number if a signal ended it, 124 if --timeout, or the guest's time to boot, passed, 125 if the guest ended under it or kvmctl \
            failed. If the VM can't be started, the code is that of `kvmctl start`. The guest needs qemu-guest-agent, or a \
            shell on its serial console. Ctrl-C ends the command and the VM; so does the end of kvmctl, however it ends.
            """)

    @OptionGroup var made: ModelOptions

    @Option(
        help: .init("Copy a file or directory into the guest first; may be repeated.", valueName: "path:guest-path"))
    var copyIn: [String] = []

    @Option(
        help: .init(
            "Copy a file or directory of the guest's to the host afterwards, also if the command failed; may be repeated.",
            valueName: "guest-path:path"))
    var copyOut: [String] = []

    @Option(
        help: "How long all of it may take, such as 90s or 5m. Default: the guest 5m to boot, the command no limit.",
        transform: OptionValue.duration)
    var timeout: Duration?

    @OptionGroup var inside: CommandOptions

    @Flag(help: "Run it by the shell on the serial console, and wait for no agent.")
    var serial = false

    @Option(
        help: .init(
            "Who logs in if the serial console asks for that. FILE has the password in its first line.",
            valueName: "user:file"), transform: LoginOption.init)
    var login: LoginOption?

    @Flag(help: "Go on from a guest that was booted before and saved, instead of booting it; the first run saves it.")
    var warm = false

    @OptionGroup var warmth: WarmOptions

    @Flag(help: "With --warm: give each guest a host name and a machine-id of its own.")
    var freshIdentity = false

    @Flag(
        name: [.customShort("n"), .customLong("no-stdin")],
        help: "Read no input, which a script around it may need: the command gets /dev/null.")
    var hasNoInput = false

    @Option(help: "Write the result to this file, as JUnit's XML.", completion: .file(extensions: ["xml"]))
    var junit: String?

    @Flag(help: "If the command fails, leave the VM as it is, to be looked at.")
    var keepOnFailure = false

    @Flag(help: .trustOwner)
    var trustOwner = false

    @Flag(help: .dryRun)
    var dryRun = false

    @OptionGroup var output: OutputOptions

    @Argument(parsing: .postTerminator, help: "`--`, and the command.")
    var command: [String] = []

    func validate() throws {
        try made.refuseUnclear("run")
        if command.isEmpty, !dryRun {
            throw ValidationError(
                "which command? kvmctl run \(made.vm ?? made.kernel.map { _ in "--kernel FILE" } ?? "--image FILE") -- COMMAND"
            )
        }
        if output.json, !dryRun { throw ValidationError("--json is for --dry-run: stdout is the command's") }
        if serial, !copyIn.isEmpty || !copyOut.isEmpty {
            throw ValidationError("--serial copies no files: that needs the guest agent")
        }
        if warm, serial || login != nil {
            throw ValidationError("--warm needs the guest agent, and takes neither --serial nor --login")
        }
        if !warm, freshIdentity || !warmth.conditions.isEmpty {
            throw ValidationError("--for and --fresh-identity go with --warm")
        }
        if junit == "-" || junit == "" {
            throw ValidationError("--junit takes the path of a file: stdout is the command's")
        }
        if timeout == .zero { throw ValidationError("--timeout 0 leaves no time") }
        for copy in copyIn + copyOut { _ = try Self.sides(of: copy) }
    }

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust(owner: trustOwner), keepsProbes: !dryRun)
        let model = try made.model
        let places = CopyPlaces(
            copiesIn: try copyIn.map(Self.sides), copiesOut: try copyOut.map(Self.sides),
            try site.trust(owner: trustOwner))
        if dryRun {
            try places.refuseUnusable()
            return try output.list(.plan) { results in
                let (plan, notices) = try EphemeralRun.plan(model, from: warmWish, in: context)
                output.print(PlanReport(plan), among: results)
                notices.forEach { Message.note($0, about: plan.name) }
            }
        }
        // Before anything is done: a path that can't be written is known then.
        if let junit { _ = try ReplacedFile.at(absolutePath(junit), site.trust()) }
        let test = RunTest(command: command, model: made.title)
        let signals = EndingSignals().taken
        let run: EphemeralRun
        do {
            try places.refuseUnusable()
            run = try EphemeralRun.begin(model, try wish, in: context, signals, tell: { Message.note($0) })
        } catch let error as VMError {
            let code = Self.code(of: error, signals)
            try write(test.report(of: error, code: code))
            if signals.first == nil { Message.error(error) }
            throw GuestExit(code: code)
        }
        let outcome = run.run(test.streams) { (command) throws(VMError) in
            hasNoInput ? nil : try PieceSource.input(STDIN_FILENO, of: &command)
        }
        try report(outcome, test)
    }

    private func report(_ outcome: EphemeralRun.Outcome, _ test: RunTest) throws {
        outcome.problems.forEach(Message.error)
        if let name = outcome.kept { Message.note(Self.howToLook(at: name)) }
        var code = outcome.code
        do throws(VMError) { try write(test.report(of: outcome)) } catch {
            Message.error(error)
            // The command's own failure comes first.
            if code == 0 { code = CommandEnd.ownFailure }
        }
        if code != 0 { throw GuestExit(code: code) }
    }

    /// The exit code of a run that did not begin. What the guest of a warm image does while that is made is the same to the user
    /// as if it did so later.
    private static func code(of error: VMError, _ signals: RunSignals) -> Int32 {
        if let signal = signals.first { return 128 + signal }
        let isGuests = error.condition == .guestOfWarmImage && error.code != .timedOut
        return isGuests ? CommandEnd.ownFailure : error.code.exitCode
    }

    private func write(_ report: [UInt8]) throws(VMError) {
        guard let junit else { return }
        try ReplacedFile.at(absolutePath(junit), Site.current.trust()).write(report)
    }

    private var wish: EphemeralRun.Wish {
        get throws {
            var guestCommand = inside.command(command)
            guestCommand.mergesErrors = GivenStream.isSame(STDOUT_FILENO, STDERR_FILENO)
            var wish = EphemeralRun.Wish(guestCommand)
            wish.usesConsole = serial
            wish.login = try login.map { try SerialLogin(user: $0.user, file: $0.file) }
            wish.hasNoInput = hasNoInput
            wish.copiesIn = try copyIn.map(Self.sides)
            wish.copiesOut = try copyOut.map(Self.sides)
            wish.timeout = timeout
            wish.keepsOnFailure = keepOnFailure
            wish.warm = warmWish
            return wish
        }
    }

    private var warmWish: Warming.Wish? {
        guard warm else { return nil }
        var wish = warmth.wish
        wish.hasFreshIdentity = freshIdentity
        return wish
    }

    /// The two paths of a copy. With more colons than one it would be a guess which of them is between the paths.
    private static func sides(of text: String) throws -> (from: String, to: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw ValidationError("\(text) is not FROM:TO, with one colon between two paths")
        }
        return (parts[0], parts[1])
    }

    private static func howToLook(at name: VMName) -> String {
        """
        \(name) is left as it is: look at it with \(command: "kvmctl console \(name)") and \(command: "kvmctl logs \(name)"), \
        and end it with kvmctl stop --now \(name)
        """
    }
}
