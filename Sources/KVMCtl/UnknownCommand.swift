import ArgumentParser
import VMCore

/// Messages about words that are not commands of kvmctl.
enum UnknownCommand {
    /// What other tools call the same command: virsh, qm, incus, docker, or a shell.
    private static let synonyms = [
        "boot": "start", "unpause": "resume",
        "poweroff": "stop", "halt": "stop", "dominfo": "show",
        "inspect": "show", "vncdisplay": "vnc", "pending": "diff", "log": "logs",
        "terminal": "console", "serial": "console",
        "address": "ip", "addr": "ip", "domifaddr": "ip", "new": "create", "init": "create", "define": "create",
        "validate": "check", "verify": "check", "remove": "rm", "bridge": "net",
        "network": "net", "hibernate": "suspend", "mv": "rename", "defaults": "settings",
        "inject-nmi": "nmi", "domfsthaw": "thaw", "unfreeze": "thaw", "cont": "resume", "continue": "resume",
        "dompmwakeup": "resume", "domstate": "show",
    ]
    /// The same for the commands of `net`.
    private static let networkSynonyms = [
        "list": "show", "ls": "show", "status": "show", "info": "show", "create": "up", "add": "up", "new": "up",
        "rm": "down", "delete": "down", "remove": "down", "destroy": "down", "save": "persist",
    ]
    private static let notYet = "kvmctl can't do that yet"
    /// The same for the commands of `disk`, `nic` and `cdrom`.
    private static let deviceSynonyms = [
        "resize": "grow", "extend": "grow", "expand": "grow", "add": "attach", "plug": "attach", "remove": "detach",
        "rm": "detach",
        "delete": "detach", "unplug": "detach", "mount": "insert", "change": "insert", "unmount": "eject",
    ]
    /// The commands of other tools that list them.
    private static let deviceLists = ["list", "ls", "show", "info", "status"]
    /// Words for which kvmctl has no command, and what to do instead.
    private static let others = [
        "kill": "to cut the power: kvmctl stop --now",
        "showcmd": "kvmctl explain", "managedsave": "kvmctl suspend", "send-key": "kvmctl sendkey",
        "setvcpus": "kvmctl set VM CPUS=N, then kvmctl restart VM", "domfsfreeze": "kvmctl freeze",
        "attach-disk": "kvmctl disk attach", "detach-disk": "kvmctl disk detach", "blockresize": "kvmctl disk grow",
        "attach-interface": "kvmctl nic attach", "detach-interface": "kvmctl nic detach",
        "change-media": "kvmctl cdrom insert, or kvmctl cdrom eject", "setmem": "kvmctl memory",
        "resize": "kvmctl disk grow, kvmctl memory, or kvmctl set VM CPUS=N", "config": "kvmctl show, or kvmctl set",
        "save": "kvmctl suspend", "restore": "kvmctl start goes on with a suspended VM", "vm": "kvmctl list",
        "snapshot": notYet, "copy": "kvmctl clone VM NEW for a VM, kvmctl cp for files",
        "virt-clone": "kvmctl clone VM NEW",
        "migrate": notYet, "backup": notYet,
        "template": "kvmctl set VM TEMPLATE=yes", "import": "kvmctl image import, or kvmctl adopt",
        "dumpxml": "kvmctl show, and kvmctl explain for QEMU's command line",
        "type": "kvmctl sendkey VM --text TEXT", "share": "kvmctl set VM SHARE0=PATH:TAG",
        "protect": "kvmctl set VM PROTECT=yes", "unprotect": "kvmctl set VM PROTECT=no",
        "completion": "kvmctl --generate-completion-script bash, zsh or fish prints completions",
        "net-list": "kvmctl net show", "net-info": "kvmctl net show", "net-start": "kvmctl net up",
        "attach": "kvmctl disk attach, or kvmctl nic attach; kvmctl console for its serial console",
        "detach": "kvmctl disk detach, or kvmctl nic detach", "domfstrim": "kvmctl fstrim", "trim": "kvmctl fstrim",
        "push": "kvmctl cp FILE VM:PATH", "pull": "kvmctl cp VM:PATH FILE", "transfer": "kvmctl cp",
        "file": "kvmctl cp",
        "shell": "kvmctl exec -it VM -- sh, or kvmctl console VM", "guest": "kvmctl exec VM -- COMMAND",
        "agent": "kvmctl exec VM -- COMMAND", "launch": "kvmctl create NEW --start, or kvmctl run",
        "dompmsuspend": "kvmctl exec VM -- systemctl suspend; kvmctl suspend VM saves it to a file",
        "crash": "kvmctl nmi VM, if its guest is set up to panic on an NMI",
        "dump": "kvmctl nmi VM, if its guest is set up to write a crash dump on an NMI",
        "sysrq": "kvmctl exec VM -- sh -c 'echo c >/proc/sysrq-trigger', or kvmctl nmi VM",
        "fsfreeze-freeze": "kvmctl freeze", "fsfreeze-thaw": "kvmctl thaw",
        "fsfreeze-status": "kvmctl thaw VM --dry-run",
        "domblklist": "kvmctl disk list VM", "domblkinfo": "kvmctl disk info VM DISK0",
    ]
    /// The same for words after a command.
    private static let othersAfter = [
        "disk": [
            "show": "kvmctl disk info VM tells of its disks, kvmctl show VM of all that it has",
            "repair": "kvmctl disk check --repair",
        ],
        "image": ["info": "kvmctl disk info PATH", "check": "kvmctl image verify, or kvmctl disk check PATH"],
        "warm": [
            "create": "kvmctl warm VM makes an image", "make": "kvmctl warm VM makes an image",
            "delete": "kvmctl warm rm", "remove": "kvmctl warm rm", "show": "kvmctl warm list",
        ],
    ]
    /// The options of `qemu-img check`.
    private static let optionsOfCheck = [
        "-r": "kvmctl disk check --repair repairs what it can", "-f": "the format is what the VM's file says",
    ]

    /// Refuses a word that is in the place of a command and is none.
    ///
    /// - Throws: `.usage`, with the nearest command.
    static func refuse(in words: [String]) throws(VMError) {
        var command: any ParsableCommand.Type = Root.self
        var path: [String] = []
        // `help COMMAND` names a command too.
        for word in words.first == "help" ? words.dropFirst() : words[...] {
            let children = command.configuration.subcommands
            if path == ["disk", "check"], let option = words.first(where: { optionsOfCheck[$0] != nil }) {
                throw VMError(.usage, "there is no option '\(option)'", optionsOfCheck[option] ?? "")
            }
            if children.isEmpty { return }
            if word.hasPrefix("-") { return try refuse(word, before: words, path, children) }
            if let child = children.first(where: { names(of: $0).contains(word) }) {
                command = child
                path.append(word)
                continue
            }
            if let error = misnamed(word, after: path, in: words) { throw error }
            // The word is that command's own, and it says itself what is wrong.
            if command.configuration.defaultSubcommand != nil { return }
            throw unknown(word, after: path, among: children)
        }
    }

    /// A word that another tool has after such a command; nil: it may be the name of a VM.
    private static func misnamed(_ word: String, after path: [String], in words: [String]) -> VMError? {
        guard path.count == 1, let other = othersAfter[path[0]]?[word] else { return nil }
        let next = words.firstIndex(of: word).flatMap { words.dropFirst($0 + 1).first }
        if path == ["warm"], next?.hasPrefix("-") != false { return nil }
        return VMError(.usage, "there is no command '\(path[0]) \(word)'", other)
    }

    /// An option belongs to a command and comes after it. Only kvmctl's own options are given without a command.
    private static func refuse(
        _ option: String, before words: [String], _ path: [String], _ children: [any ParsableCommand.Type]
    ) throws(VMError) {
        let command = words.first { word in children.contains { names(of: $0).contains(word) } }
        // Three hyphens are from a shell that asks for completions.
        guard let command, !["-h", "--help", "--version"].contains(option), !option.hasPrefix("---") else { return }
        let whole = (["kvmctl"] + path + [command]).joined(separator: " ")
        throw VMError(
            .usage, option, "comes before the command; options come after it: \(whole) --help lists them")
    }

    private static func unknown(
        _ word: String, after path: [String], among children: [any ParsableCommand.Type]
    ) -> VMError {
        let known = children.filter { $0.configuration.shouldDisplay }.flatMap { names(of: $0) }
        let others = path.isEmpty ? synonyms : path == ["net"] ? networkSynonyms : deviceSynonyms
        let synonym = others[word].flatMap { known.contains($0) ? $0 : nil }
        let typed = (path + [word]).joined(separator: " ")
        let help = (["kvmctl"] + path + ["--help"]).joined(separator: " ")
        let nearest = (synonym ?? Nearest.match(word, among: known).flatMap { isHarmless($0, typed: word) ? $0 : nil })
            .map { (path + [$0]).joined(separator: " ") }
        if path == ["autostart"] {
            return VMError(
                .usage, "unknown command '\(typed)'",
                "autostart has only 'run'; kvmctl enable has systemd start a VM with the host")
        }
        if path.isEmpty, let other = Self.others[word] {
            return VMError(.usage, "there is no command '\(word)'", other)
        }
        if ["disk", "nic", "cdrom"].contains(path.first), deviceLists.contains(word) {
            return VMError(.usage, "there is no command '\(typed)'", "kvmctl show VM lists what a VM has")
        }
        return VMError(
            .usage, "unknown command '\(typed)'",
            nearest.map { "did you mean '\($0)'?" } ?? "\(help) lists the commands")
    }

    /// Whether a command may be suggested: only for a word that is mostly its own, and one that ends or removes a VM only
    /// for a plain typing error.
    private static func isHarmless(_ command: String, typed word: String) -> Bool {
        let distance = Nearest.distance(Array(word.utf8), Array(command.utf8))
        let harmful = ["rm", "delete", "undefine", "destroy", "stop", "shutdown", "reset", "reboot", "nmi", "down"]
        guard harmful.contains(command) else { return distance < 2 || distance * 3 <= word.count }
        return word.count > 2 && distance == 1
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        [command.configuration.commandName].compactMap(\.self) + command.configuration.aliases
    }
}

/// Messages about options that a command does not have.
enum UnknownOption {
    /// What other tools call the same option: QEMU, virsh, virt-install, qm, docker. Only a command's own options are
    /// suggested.
    private static let synonyms = [
        "--iso": "--cdrom", "--cd": "--cdrom", "--ram": "--memory", "--mem": "--memory", "--vcpus": "--cpus",
        "--network": "--net", "--nic": "--net", "--size": "--disk", "--force": "--now", "--ip": "--address",
        "--workdir": "--cwd", "-w": "--cwd", "--chdir": "--cwd", "--addr": "--address",
        "--remove-all-storage": "--disks", "--tail": "--lines",
    ]

    /// ArgumentParser's message, with the intended option where it names an unknown one. By itself it does not complete
    /// the beginning of a word, does not know other tools' words, and suggests words that are too different.
    static func completed(_ message: String, usage: String) -> String {
        let lead = "Unknown option '"
        guard let first = message.split(separator: "\n").first else { return message }
        if let fault = negative(in: first) { return fault + message.dropFirst(first.count) }
        if let fault = timed(in: first, usage) { return fault + message.dropFirst(first.count) }
        guard first.hasPrefix(lead) else {
            return drive(in: first, usage).map { "\(first). Write --drive \($0)." + message.dropFirst(first.count) }
                ?? message
        }
        let option = String(first.dropFirst(lead.count).prefix { $0 != "'" })
        let known = usage[(usage.firstRange(of: "Usage:")?.upperBound ?? usage.startIndex)...].split {
            !($0.isLetter || $0.isNumber || $0 == "-")
        }.map(String.init)
            .filter { $0.hasPrefix("--") }
        let beginsWith = Set(known.filter { option.count > 3 && $0.hasPrefix(option) })
        let nearest = Nearest.match(String(option.drop { $0 == "-" }), among: known.map { String($0.dropFirst(2)) })
            .map { "--\($0)" }
        // Two letters in the wrong order are likelier than a word that was left off; a letter left out is not.
        let swapped = known.first {
            $0.sorted() == option.sorted() && Nearest.distance(Array($0.utf8), Array(option.utf8)) == 1
        }
        let synonym = synonyms[option].flatMap { known.contains($0) ? $0 : nil }
        let meant = synonym ?? swapped ?? (beginsWith.count == 1 ? beginsWith.first : nil)
        let key = line(option, usage).map { ". Write \($0)" }
        let advice = meant.map(asked) ?? key ?? nearest.map(asked)
        return "\(lead)\(option)'" + (advice ?? "") + message.dropFirst(first.count)
    }

    /// What is wrong with a value that begins with a hyphen, which ArgumentParser takes for another option; nil: that is not
    /// what the message is about.
    private static func negative(in message: Substring) -> String? {
        let lead = "Missing value for '"
        guard message.hasPrefix(lead) else { return nil }
        let option = String(message.dropFirst(lead.count).prefix { $0 != " " && $0 != "'" })
        let words = CommandLine.arguments
        guard let place = words.firstIndex(of: option), let value = words.dropFirst(place + 1).first,
            value.hasPrefix("-"), value.dropFirst().first?.isNumber == true
        else { return nil }
        return "\(Printable.quoted(value)) is no value of \(option), which can't be negative."
    }

    /// A time given to a flag whose time has an option of its own, such as `--wait`; nil: that is not what the message is about.
    private static func timed(in message: Substring, _ usage: String) -> String? {
        let parts = message.split(separator: "'", omittingEmptySubsequences: false)
        guard message.hasPrefix("The option '"), message.contains("' does not take any value"), parts.count > 3,
            usage.contains("\(parts[1])-timeout")
        else { return nil }
        return "\(parts[1]) takes no time. Write \(parts[1])-timeout \(Printable.excerpt(parts[3]))."
    }

    private static func asked(_ option: String) -> String { ". Did you mean '\(option)'?" }

    /// The key that an option is in other tools, written as the command takes keys; nil if it takes none, or there is no
    /// such key.
    private static func line(_ option: String, _ usage: String) -> String? {
        let word = option.drop { $0 == "-" }.uppercased().map { $0 == "-" ? "_" : "\($0)" }.joined()
        guard usage.contains("KEY=VALUE"), let key = ParamsSchema.key(meantBy: word) else { return nil }
        let words = CommandLine.arguments
        let next = words.firstIndex(of: option).map { words.dropFirst($0 + 1).first } ?? nil
        let joined = words.first { $0.hasPrefix("\(option)=") }?.dropFirst(option.count + 1)
        let value = joined.map(String.init) ?? next.flatMap { $0.hasPrefix("-") ? nil : $0 } ?? "VALUE"
        return (usage.contains("--set ") ? "--set " : "") + "\(ParamsLine(key, value))"
    }

    /// The drive that a word names that is one too many; nil if the command has no drives, or it names none.
    private static func drive(in message: Substring, _ usage: String) -> KeyName? {
        let parts = message.split(separator: "'", omittingEmptySubsequences: false)
        guard message.hasPrefix("Unexpected argument '"), usage.contains("--drive "), parts.count == 3 else {
            return nil
        }
        return try? OptionValue.device(String(parts[1]), of: .cdrom)
    }
}
