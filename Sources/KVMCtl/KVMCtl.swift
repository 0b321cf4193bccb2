import ArgumentParser
import CLinux
import VMCore
import VMLife

/// The program: one binary, two names.
@main
enum KVMCtl {
    static func main() {
        clinux_own_signals()
        _ = clinux_fill_standard_descriptors()
        // Not Swift's CommandLine: it reads /proc/self/cmdline, and is empty if that can't be opened.
        let given = clinux_arguments()
        var arguments = (0..<Int(given.count)).compactMap { given.words[$0].map { String(cString: $0) } }
        let name = arguments.isEmpty ? "kvmctl" : arguments.removeFirst()
        if name.split(separator: "/").last == "start_a_kvm.sh" {
            ExitStatus.leave {
                if ["-h", "--help"].contains(arguments.first) { return print(StartAKVM.usage) }
                let command = try StartAKVM(arguments)
                PrintedResults.begin(Start.deed)
                LeftBehind.remove(before: arguments)
                try command.run()
            }
        }
        ExitStatus.leave {
            var command = try Root.command(arguments)
            if let deed = command.deed, !arguments.contains("--dry-run") { PrintedResults.begin(deed) }
            // To `doctor` a fault there is one of its findings.
            Site.toleratesSettings = command.endsOrTidies || command is DoctorCommand
            Site.needsRun = !(command is SettingsCommand || command is ImageImportCommand)
            if command.endsOrTidies { (try? Site.current)?.settingsFault.map(Message.error) }
            LeftBehind.remove(before: arguments)
            try command.run()
        }
    }
}

/// `kvmctl`.
struct Root: ParsableCommand {
    static let name = "kvmctl"

    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Run KVM virtual machines from plain text files.",
        discussion: """
            A VM is one directory, one text file (vm.params) and one QEMU process. VM is a path if it contains a `/` \
            (to a params file, or to a directory that holds vm.params), else the name of a running VM or of one under \
            /vms (KVMCTL_VMS).
            """,
        version: "kvmctl \(Version.current)",
        // Each states its commandName: deriving it from the type's name took ArgumentParser half of a command's
        // start-up.
        groupedSubcommands: [
            CommandGroup(
                name: "Run:",
                subcommands: [
                    Start.self, Stop.self, Restart.self, Reset.self, NMI.self, Pause.self, Resume.self, Suspend.self,
                    Freeze.self, Thaw.self, FSTrim.self, Run.self, WarmCommand.self,
                ]),
            CommandGroup(
                name: "Look:",
                subcommands: [
                    List.self, Show.self, Top.self, Wait.self, Logs.self, Events.self, History.self, Console.self,
                    VNC.self, Screenshot.self, SendKey.self,
                ]),
            CommandGroup(name: "Inside:", subcommands: [IP.self, SSH.self, Exec.self, Copy.self]),
            CommandGroup(
                name: "Define:",
                subcommands: [
                    Create.self, Clone.self, Check.self, Explain.self, Diff.self, SetKeys.self, Edit.self, Rename.self,
                    Keys.self, Remove.self, ImageCommand.self,
                ]),
            CommandGroup(name: "Change:", subcommands: [CDROMCommand.self, Disk.self, NIC.self, Memory.self]),
            CommandGroup(
                name: "Host:",
                subcommands: [
                    Adopt.self, Enable.self, Disable.self, Autostart.self, Net.self, DoctorCommand.self,
                    SettingsCommand.self, TrimLogs.self, NoteEnd.self,
                ]),
            CommandGroup(name: "Words of other tools:", subcommands: [Destroy.self, VersionCommand.self]),
        ])

    /// Parses the words of the command line.
    ///
    /// A command that sets `_superCommandName` is tried first, by itself. Then ArgumentParser looks neither at all the
    /// other commands nor for a request for completions, which took a third of a command's start-up. Everything else
    /// (help, errors) is left to the whole tree.
    static func command(_ words: [String]) throws -> any ParsableCommand {
        if let refusal = WordNotUTF8(in: words)?.refusal { throw refusal }
        let named = configuration.subcommands.first { $0.configuration.isCalled(words.first) }
        if let named, named.configuration._superCommandName != nil,
            let command = try? named.parseAsRoot(Array(words.dropFirst())),
            ([named] + named.configuration.subcommands).contains(where: { $0 == type(of: command) })
        {
            return command
        }
        try UnknownCommand.refuse(in: words)
        do {
            let command = try parseAsRoot(words)
            try refuseHelp(in: words)
            return command
        } catch {
            throw exitCode(for: error).isSuccess ? error : unknownOption(in: words, else: error)
        }
    }

    /// A missing word is reported before an unknown option, which may be the cause. In that case the option is reported.
    private static func unknownOption(in words: [String], else error: any Error) -> any Error {
        if isAboutAnOption(error) { return error }
        // The word is one that `set` takes, too; `cp` needs two.
        for missing in [["x=x"], ["x=x", "x=x"]] {
            do { _ = try parseAsRoot(words + missing) } catch let other { if isAboutAnOption(other) { return other } }
        }
        return error
    }

    /// Refuses an unknown option in a word of several short ones, such as `-dash`: if the letter `h` is among them,
    /// ArgumentParser takes that for a request for help, and is satisfied.
    private static func refuseHelp(in words: [String]) throws {
        let own = words.prefix { $0 != "--" }
        guard !own.contains(where: ["-h", "-help", "--help", "--help-hidden", "--version"].contains) else { return }
        for (place, word) in own.enumerated() where word.hasPrefix("-") && !word.hasPrefix("--") && word.contains("h") {
            var without = words
            without[place].removeAll { $0 == "h" }
            do { _ = try parseAsRoot(without) } catch {
                let fault = unknownOption(in: without, else: error)
                if isAboutAnOption(fault) { throw fault }
            }
        }
    }

    private static func isAboutAnOption(_ error: any Error) -> Bool {
        message(for: error).hasPrefix("Unknown option")
    }
}

extension CommandConfiguration {
    /// Whether a word is the command's name, or one that other tools give it.
    fileprivate func isCalled(_ word: String?) -> Bool {
        commandName == word || word.map(aliases.contains) == true
    }
}

extension ParsableCommand {
    /// Whether it has to work even if the settings files can't be used.
    fileprivate var endsOrTidies: Bool { self is Stop || self is Destroy || self is NoteEnd || self is TrimLogs }

    /// What is done when this command has run, in words: its user has to learn that, even if its output is lost. Nil for
    /// a command that changes nothing.
    ///
    /// Not a protocol: asking whether a type conforms to one takes Swift's runtime as long as reading ten VMs.
    fileprivate var deed: String? {
        switch self {
        case is Start: Start.deed
        case is SendKey: "the keys were pressed"
        case is Stop, is Restart, is Reset, is Pause, is Resume, is Destroy, is Suspend, is Freeze, is Thaw, is Create,
            is SetKeys, is Edit, is Rename, is Remove, is CDROMInsert, is CDROMEject, is DiskAttach, is DiskDetach,
            is DiskGrow, is DiskCheck, is DiskCreate, is NICAttach, is NICDetach, is Memory, is Adopt, is Enable,
            is Disable, is AutostartRun,
            is NetUp, is NetDown, is NetPersist, is NetUnpersist, is ImageImportCommand, is ImageRemove, is WarmMake,
            is WarmRemove, is FSTrim, is NMI:
            "it was done"
        default: nil
        }
    }
}

extension Start {
    fileprivate static let deed = "it runs"
}

/// kvmctl's version.
enum Version {
    static let current = "0.1.0"
}
