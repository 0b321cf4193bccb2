import Testing

@testable import VMCore

/// The changes that commands make to a params file say what was asked for, and nothing else.
@Suite struct ParamsEditTests {
    @Test(arguments: [
        ("CPUS=4", "CPUS", "4"), ("APPEND=", "APPEND", ""), ("APPEND=a=b c", "APPEND", "a=b c"),
        ("DISK3_SIZE=8G", "DISK3_SIZE", "8G"),
    ])
    func wordsOfACommandLine(_ word: String, _ key: String, _ value: String) throws {
        let edit = try ParamsEdit(word)
        #expect(edit.key.description == key && edit.value == value)
    }

    @Test(arguments: [
        ("CPUS", "CPUS: is not KEY=VALUE"), ("", "'': is not KEY=VALUE"),
        ("=4", "'': is not a key of vm.params\n  `kvmctl keys` lists them all"),
        ("CPU5=4", "CPU5: is not a key of vm.params\n  did you mean CPUS? `kvmctl keys` lists them all"),
        ("DISK26=a", "DISK26: is not a key of vm.params\n  did you mean DISK26? `kvmctl keys` lists them all"),
        ("APPEND=a\nb", "APPEND: the value of APPEND has a control character, \\x0a, which no line can hold"),
    ])
    func wordsThatAreNone(_ word: String, _ message: String) {
        #expect { try ParamsEdit(word) } throws: { ($0 as? VMError)?.description == message }
    }

    @Test func refusesToGuess() {
        #expect { try ParamsEdit.setting([("CPUS", "1"), ("CPUS", nil)], in: "") } throws: {
            ($0 as? VMError)?.code == .usage
        }
        #expect { try ParamsEdit.setting([("MAC", "1"), ("NET0_MAC", nil)], in: "") } throws: {
            ($0 as? VMError)?.summary == "NET0_MAC: is another name of MAC"
        }
        #expect { try ParamsEdit.setting([("CPUS", "1")], in: "CPUS=1\nCPUS=2\n") } throws: {
            ($0 as? VMError)?.code == .badData
        }
    }

    /// A file has one of the two keys for a thing, and goes on having that one.
    @Test(arguments: [
        ("MAC=a\n", "NET0_MAC", "b", "MAC=b\n"), ("NET0_MAC=a\n", "MAC", "b", "NET0_MAC=b\n"),
        ("MAC=a\n", "NET0_MAC", nil, ""), ("NET0=user\n", "BRIDGE", "br1", "NET0=bridge:br1\n"),
        ("BRIDGE=br1 # lan\n", "NET0", "bridge:br2", "BRIDGE=br2 # lan\n"),
        ("BRIDGE=br1\n", "NET0", "nat", "NET0=nat\n"),
        ("BRIDGE=br1\n", "NET0", nil, ""), ("MAC=a\n", "NET1_MAC", "b", "MAC=a\nNET1_MAC=b\n"),
    ])
    func shortForms(_ before: String, _ key: String, _ value: String?, _ after: String) throws {
        #expect(try ParamsEdit.setting([(key, value)], in: before) == after)
    }

    /// What the new text says is what the old one said, with the changes applied; and each other line is still there.
    @Test func randomTextsAndChanges() throws {
        var generator = SeededGenerator(state: 21)
        for _ in 0..<1500 {
            let text = Self.text(using: &generator)
            let changes = Self.changes(using: &generator)
            var meant = Self.meaning(of: text)
            for (key, value) in changes { meant[Self.full(key)] = value.map { Self.full(key, $0) } }
            let result = try ParamsEdit.setting(changes, in: text)
            #expect(Self.meaning(of: result) == meant, "\(text.debugDescription) \(changes)")
            #expect(Self.comments(in: result) == Self.comments(in: text))
            #expect(!text.contains("\r\n") || !result.contains("\n"), "\(result.debugDescription)")
            #expect(try ParamsEdit.setting(changes, in: result) == result)
        }
    }

    private static let keys = [
        "CPUS", "MEMORY", "APPEND", "DISK0", "DISK1", "NET0", "BRIDGE", "MAC", "NET0_MAC", "NET1",
    ]
    private static let values = [
        "4", "a b", "it's", "\"x\"", "$HOME", "#", "a\\b", "", "bridge:br0", "bridge:", "é", "\t", "~", "`x`", "=",
    ]

    /// What a text says, with no short forms; nil if a line of it has an error.
    private static func meaning(of text: String) -> [String: String] {
        ParamsLexer(Array(text.utf8)).reduce(into: [:]) { meaning, line in
            if let line = try? line.get() { meaning[full(line.key)] = full(line.key, line.value) }
        }
    }

    private static func full(_ key: String) -> String { ["MAC": "NET0_MAC", "BRIDGE": "NET0"][key] ?? key }

    private static func full(_ key: String, _ value: String) -> String { key == "BRIDGE" ? "bridge:\(value)" : value }

    private static func comments(in text: String) -> [Substring] {
        text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("#") }
    }

    private static func text(using generator: inout SeededGenerator) -> String {
        let end = Bool.random(using: &generator) ? "\n" : "\r\n"
        var lines: [String] = []
        var used: Set<String> = []
        for key in keys.shuffled(using: &generator).prefix(Int.random(in: 0...6, using: &generator))
        where used.insert(full(key)).inserted {
            let value = values.randomElement(using: &generator) ?? ""
            let style: Quoting = [.whereNeeded, .single, .double].randomElement(using: &generator) ?? .single
            if Bool.random(using: &generator) { lines.append("# \(key)=\(value)") }
            let comment = Bool.random(using: &generator) ? "  # why" : ""
            lines.append("\(key)=\(style.written(value))\(comment)")
        }
        return lines.joined(separator: end) + (lines.isEmpty || Bool.random(using: &generator) ? "" : end)
    }

    private static func changes(using generator: inout SeededGenerator) -> [(key: String, value: String?)] {
        var used: Set<String> = []
        return keys.shuffled(using: &generator).prefix(Int.random(in: 1...4, using: &generator)).compactMap { key in
            guard used.insert(full(key)).inserted else { return nil }
            let isRemoved = Int.random(in: 0...2, using: &generator) == 0
            return (key, isRemoved ? nil : values.randomElement(using: &generator))
        }
    }
}
