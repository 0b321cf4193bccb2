/// Keys that are held down together, the first one first, and then let go: `ctrl-alt-delete`.
package struct KeyChord: Equatable, Sendable, CustomStringConvertible {
    /// The keys, in the order in which they are pressed.
    package let keys: [KeyCode]

    init(_ keys: [KeyCode]) { self.keys = keys }

    /// As on the command line.
    package var description: String { keys.map(\.description).joined(separator: "-") }

    /// How long it takes: QEMU waits after each key that is pressed and after each that is let go.
    package func duration(holding hold: Duration) -> Duration { hold * (2 * keys.count) }
}

extension OptionValue {
    /// A chord: names of keys, with `-` or `+` between them.
    package static func chord(_ text: String) throws(Fault) -> KeyChord {
        let words = text.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "+" }.map(String.init)
        var keys: [KeyCode] = []
        for word in words {
            guard let key = KeyCode(word) else { throw unknownKey(word, of: text) }
            if keys.contains(key) { throw Fault(description: "\(Printable.quoted(text)) has the key \(key) twice.") }
            keys.append(key)
        }
        return KeyChord(keys)
    }

    private static func unknownKey(_ word: String, of text: String) -> Fault {
        if let key = text.count == 1 ? TypedText.chord(for: Character(text)) : nil {
            return Fault(
                description: "\(Printable.quoted(text)) is not the name of a key. Write \(key), or use --text.")
        }
        // Linux, and virsh with it, calls them KEY_ENTER: pressed together there, if several are named.
        let name = word.lowercased().hasPrefix("key_") ? String(word.dropFirst(4)) : word
        let nearest = KeyCode(name)?.description ?? Nearest.match(name.lowercased(), among: KeyCode.words)
        return Fault(
            description: "\(Printable.quoted(word)) is not the name of a key. "
                + (nearest.map { "Did you mean \($0)? " } ?? "")
                + "Keys are named as in ctrl-alt-delete, f2, ret, spc, pgup; --text types text.")
    }

    /// How long a key is held down, in milliseconds.
    package static func hold(_ text: String) throws(Fault) -> Duration {
        guard let number = Int(text), (1...10_000).contains(number) else {
            throw Fault(description: "\(Printable.quoted(text)) is not a number of milliseconds from 1 to 10000.")
        }
        return .milliseconds(number)
    }
}
