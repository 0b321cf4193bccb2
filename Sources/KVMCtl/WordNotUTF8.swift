import ArgumentParser
import VMCore

/// A word of the command line that is not UTF-8, and what it was meant for.
struct WordNotUTF8 {
    private let word: String
    private let use: Use

    private enum Use {
        /// It goes to a command in a guest.
        case guestCommand
        /// `VM:PATH`
        case guestPath
        /// It is what a line of vm.params says, or text.
        case value
        /// The value of an option: a path, or anything else.
        case optionValue
        /// A name or a path.
        case name
    }

    /// The first one; nil: there is none.
    ///
    /// - Parameter words: those after the program's name, in which U+FFFD stands for what is not UTF-8.
    init?(in words: [String]) {
        guard let place = words.firstIndex(where: { $0.unicodeScalars.contains("\u{fffd}") }) else { return nil }
        word = words[place]
        use = Self.use(of: place, in: words)
    }

    private static func use(of place: Int, in words: [String]) -> Use {
        let word = words[place]
        if isForGuest(place, words) { return .guestCommand }
        let before = place > 0 ? words[place - 1] : ""
        if words.first == "cp", case .guest? = try? CopyOperand(word) { return .guestPath }
        let key = word.prefix { $0 != "=" }
        let isLine = key.count < word.count && key.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" }
        if isLine || ["--text", "--append"].contains(before) { return .value }
        return before.hasPrefix("-") || word.hasPrefix("-") ? .optionValue : .name
    }

    /// Whether a word is for a command in a guest, with `--` before it or without.
    private static func isForGuest(_ place: Int, _ words: [String]) -> Bool {
        guard ["exec", "run", "ssh"].contains(words.first) else { return false }
        if words[..<place].contains("--") { return true }
        let rest = Array(words.dropFirst())
        let passedOn =
            switch words.first {
            case "exec": (try? Exec.parse(rest))?.words
            case "ssh": (try? SSH.parse(rest))?.words
            default: [String]?.none
            }
        return passedOn.map { words.count - $0.count <= place } == true
    }

    /// Why it can't be used.
    var refusal: VMError {
        let (cause, remedy): (String, Remedy) =
            switch use {
            case .guestCommand:
                (
                    "is not UTF-8, in which words are passed to a guest",
                    "have a shell in the guest make it, from its bytes in octal: sh -c 'cat \"$(printf \"caf\\351\")\"'"
                )
            case .guestPath:
                (
                    "is not UTF-8, which a path on the command line has to be",
                    "copy the directory that it is in, with -r: the names in that may be any bytes"
                )
            case .value: ("is not UTF-8, which such text has to be", "convert it: iconv -f LATIN1 -t UTF-8")
            case .optionValue:
                (
                    "is not UTF-8, which the value of an option has to be",
                    "if it is the name of a file, rename that; else convert it: iconv -f LATIN1 -t UTF-8"
                )
            case .name:
                ("is not UTF-8, which kvmctl's names and paths have to be", "rename the file or directory")
            }
        return VMError(.usage, "'\(word)'", cause, remedy: remedy)
    }
}
