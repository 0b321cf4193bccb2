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
        let synonym = synonyms[word].flatMap { known.contains($0) ? $0 : nil }
        let typed = (path + [word]).joined(separator: " ")
        let help = (["kvmctl"] + path + ["--help"]).joined(separator: " ")
        let nearest = (synonym ?? Nearest.match(word, among: known)).map { (path + [$0]).joined(separator: " ") }
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
    /// The message of ArgumentParser with the option that was meant, where it names an unknown one and finds none near:
    /// it does not know the beginning of a word for the word.
    static func completed(_ message: String, usage: String) -> String {
        let lead = "Unknown option '"
        guard let first = message.split(separator: "\n").first, first.hasPrefix(lead), first.hasSuffix("'") else {
            return message
        }
        let option = String(first.dropFirst(lead.count).dropLast())
        let known = usage[(usage.firstRange(of: "Usage:")?.upperBound ?? usage.startIndex)...].split {
            !($0.isLetter || $0.isNumber || $0 == "-")
        }.map(String.init)
            .filter { $0.hasPrefix("--") }
        let beginsWith = known.filter { option.count > 3 && $0.hasPrefix(option) }
        let meant = beginsWith.count == 1 ? beginsWith[0] : Nearest.match(option, among: known)
        guard let meant else { return message }
        return "\(first). Did you mean '\(meant)'?" + message.dropFirst(first.count)
    }
}
