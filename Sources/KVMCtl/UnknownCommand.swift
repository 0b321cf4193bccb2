import ArgumentParser
import VMCore

/// What is said of words that are no command of kvmctl's.
enum UnknownCommand {
    /// What the same thing is called elsewhere: by virsh, qm, incus, docker, or in a shell.
    private static let synonyms = [
        "boot": "start", "launch": "start", "run": "start", "shutdown": "stop", "poweroff": "stop", "halt": "stop",
        "kill": "stop", "destroy": "stop", "ps": "list", "status": "show", "info": "show", "dominfo": "show",
        "inspect": "show", "config": "show", "log": "logs", "terminal": "console", "serial": "console",
        "address": "ip", "addr": "ip", "domifaddr": "ip", "new": "create", "init": "create", "define": "create",
        "validate": "check", "verify": "check", "delete": "rm", "remove": "rm", "undefine": "rm", "bridge": "net",
        "network": "net",
    ]
    /// The same below `net`.
    private static let networkSynonyms = [
        "list": "show", "ls": "show", "status": "show", "info": "show", "create": "up", "add": "up", "new": "up",
        "rm": "down", "delete": "down", "remove": "down", "destroy": "down", "save": "persist",
    ]
    /// What kvmctl has no command for, and what does it.
    private static let others = [
        "restart": "stop the VM, then start it", "reboot": "stop the VM, then start it",
        "reset": "stop the VM with --now, then start it",
        "edit": "edit the VM's vm.params; kvmctl check says what is wrong with it",
        "dumpxml": "kvmctl show, and kvmctl explain for QEMU's command line",
        "autostart": "systemctl enable kvmctl@NAME", "enable": "systemctl enable kvmctl@NAME",
        "version": "kvmctl --version",
    ]

    /// Refuses a word that stands where a command does and is none.
    ///
    /// - Throws: `.usage`, with the nearest command.
    static func refuse(in words: [String]) throws(VMError) {
        var command: any ParsableCommand.Type = Root.self
        var path: [String] = []
        // `help COMMAND` names one too.
        for word in words.first == "help" ? words.dropFirst() : words[...] {
            let children = command.configuration.subcommands
            if children.isEmpty { return }
            if word.hasPrefix("-") { return try refuse(word, before: words, path, children) }
            if let child = children.first(where: { names(of: $0).contains(word) }) {
                command = child
                path.append(word)
                continue
            }
            throw unknown(word, after: path, among: children)
        }
    }

    /// An option is one of a command's, and stands after it; those of kvmctl itself are asked for alone.
    private static func refuse(
        _ option: String, before words: [String], _ path: [String], _ children: [any ParsableCommand.Type]
    ) throws(VMError) {
        let command = words.first { word in children.contains { names(of: $0).contains(word) } }
        // Three hyphens are a shell's, which asks for completions.
        guard let command, !["-h", "--help", "--version"].contains(option), !option.hasPrefix("---") else { return }
        let whole = (["kvmctl"] + path + [command]).joined(separator: " ")
        throw VMError(
            .usage, option, "stands before the command; its options stand behind it: \(whole) --help lists them")
    }

    private static func unknown(
        _ word: String, after path: [String], among children: [any ParsableCommand.Type]
    ) -> VMError {
        let known = children.filter { $0.configuration.shouldDisplay }.flatMap { names(of: $0) }
        let synonym = (path == ["net"] ? networkSynonyms : synonyms)[word].flatMap { known.contains($0) ? $0 : nil }
        let typed = (path + [word]).joined(separator: " ")
        let help = (["kvmctl"] + path + ["--help"]).joined(separator: " ")
        let nearest = (synonym ?? Nearest.match(word, among: known)).map { (path + [$0]).joined(separator: " ") }
        if path.isEmpty, let other = others[word] { return VMError(.usage, "there is no command '\(word)'", other) }
        return VMError(
            .usage, "unknown command '\(typed)'",
            nearest.map { "did you mean '\($0)'?" } ?? "\(help) lists the commands")
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        [command.configuration.commandName].compactMap(\.self) + command.configuration.aliases
    }
}

/// What is said of options that a command does not have.
enum UnknownOption {
    /// What the same thing is called elsewhere: by QEMU, virsh, virt-install, qm, docker; those that a command has are meant.
    private static let synonyms = [
        "--iso": "--cdrom", "--cd": "--cdrom", "--ram": "--memory", "--mem": "--memory", "--vcpus": "--cpus",
        "--network": "--net", "--nic": "--net", "--size": "--disk", "--force": "--now", "--ip": "--address",
        "--addr": "--address", "--remove-all-storage": "--disks", "--tail": "--lines",
    ]

    /// The message of ArgumentParser with the option that was meant, where it names an unknown one: it neither knows the
    /// beginning of a word for the word, nor what is called otherwise elsewhere, and takes what is far for near.
    static func completed(_ message: String, usage: String) -> String {
        let lead = "Unknown option '"
        guard let first = message.split(separator: "\n").first, first.hasPrefix(lead) else { return message }
        let option = String(first.dropFirst(lead.count).prefix { $0 != "'" })
        let known = usage[(usage.firstRange(of: "Usage:")?.upperBound ?? usage.startIndex)...].split {
            !($0.isLetter || $0.isNumber || $0 == "-")
        }.map(String.init)
            .filter { $0.hasPrefix("--") }
        let beginsWith = known.filter { option.count > 3 && $0.hasPrefix(option) }
        let nearest = Nearest.match(String(option.drop { $0 == "-" }), among: known.map { String($0.dropFirst(2)) })
        let meant =
            synonyms[option].flatMap { known.contains($0) ? $0 : nil }
            ?? (beginsWith.count == 1 ? beginsWith[0] : nearest.map { "--\($0)" })
        return "\(lead)\(option)'" + (meant.map { ". Did you mean '\($0)'?" } ?? "") + message.dropFirst(first.count)
    }
}
