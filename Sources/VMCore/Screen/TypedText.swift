/// Text that is typed on the guest's keyboard, as on one with the US layout.
package struct TypedText: Equatable, Sendable {
    /// A chord for each character.
    package let chords: [KeyChord]

    /// The chord for a character; nil if no key of this layout has it.
    static func chord(for character: Character) -> KeyChord? { layout[character] }

    private static let layout: [Character: KeyChord] = {
        // Each key with the character that it types, and the one that it types with Shift.
        var keys = [
            ("minus", "-_"), ("equal", "=+"), ("bracket_left", "[{"), ("bracket_right", "]}"), ("semicolon", ";:"),
            ("apostrophe", "'\""), ("grave_accent", "`~"), ("backslash", "\\|"), ("comma", ",<"), ("dot", ".>"),
            ("slash", "/?"), ("spc", " "), ("ret", "\n"), ("tab", "\t"), ("esc", "\u{1b}"), ("backspace", "\u{8}"),
        ]
        keys += "abcdefghijklmnopqrstuvwxyz".map { ("\($0)", "\($0)\($0.uppercased())") }
        keys += zip("1234567890", "!@#$%^&*()").map { ("\($0)", "\($0)\($1)") }
        var layout: [Character: KeyChord] = [:]
        for (name, characters) in keys {
            let key = KeyCode(known: name)
            for (level, character) in characters.enumerated() {
                layout[character] = KeyChord(level == 0 ? [key] : [KeyCode(known: "shift"), key])
            }
        }
        return layout
    }()

    private static let escapes: [Character: Character] = [
        "n": "\n", "t": "\t", "e": "\u{1b}", "b": "\u{8}", "\\": "\\",
    ]

    /// Reads text in which `\n` stands for Enter, `\t` for Tab, `\e` for Esc, `\b` for Backspace and `\\` for a
    /// backslash.
    package init(_ text: String) throws(OptionValue.Fault) {
        var chords: [KeyChord] = []
        var rest = text[...]
        while let first = rest.popFirst() {
            var character = first == "\r\n" ? "\n" : first
            if first == "\\" {
                guard let next = rest.popFirst(), let meant = Self.escapes[next] else {
                    throw OptionValue.Fault(
                        description: "a backslash has to be followed by n, t, e, b, or another backslash. "
                            + "Nothing was typed.")
                }
                character = meant
            }
            guard let chord = Self.chord(for: character) else {
                throw OptionValue.Fault(
                    description:
                        "\(Printable.quoted(String(character))) is on no key of the US layout. Nothing was typed.")
            }
            chords.append(chord)
        }
        self.chords = chords
    }
}
