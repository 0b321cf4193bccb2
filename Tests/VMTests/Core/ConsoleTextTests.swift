import Testing

@testable import VMCore

/// What a guest writes on its console becomes lines, whatever pieces it comes in.
@Suite struct ConsoleTextTests {
    private func lines(_ pieces: [String]) -> (lines: [String], rest: String) {
        var (text, lines): (ConsoleText, [String]) = (ConsoleText(), [])
        for piece in pieces { text.take(piece.utf8) { lines.append(String(decoding: $0, as: UTF8.self)) } }
        return (lines, String(decoding: text.unfinished, as: UTF8.self))
    }

    private static let cases: [(String, [String], String)] = [
        ("one\r\ntwo\nthree", ["one", "two"], "three"),
        ("a\r\r\n\n\n\rb", ["a"], "b"),
        // systemd(1) on a console, and a bar that overwrites itself.
        ("\u{1b}[K[\u{1b}[0;32m  OK  \u{1b}[0m] Started \u{1b}[0;1;39ma\u{1b}[0m.\r\n", ["[  OK  ] Started a."], ""),
        ("10%\r20%\r30%\n", ["10%", "20%", "30%"], ""),
        // GRUB's menu, and what UEFI writes where.
        ("\u{1b}[H\u{1b}[J\u{1b}[1;1Hone\u{1b}[2;24Htwo\u{1b}[5;1H", ["one", "two"], ""),
        ("\u{1b}[08;01H\u{1b}[1m\u{1b}[33mShell> \u{1b}[0m\u{1b}[37m", [], "Shell>"),
        // A window's title, strings that end each way, and one that does not.
        ("\u{1b}]0;title\u{7}a\u{1b}]8;;x\u{1b}\\b\u{1b}Pq\u{1b}\\c\u{1b}]lost\nd\n", ["abcd"], ""),
        ("lof\u{8}gin:\u{1b}(B é\u{8}", [], "login:"),
        ("\u{1b}[38;5;12mMülltonne\u{1b}[m \u{7}日本\t語\n", ["Mülltonne 日本 語"], ""),
        ("a\u{1b}\u{1b}[1mb\u{1b}[1\u{1}c", [], "abc"),
    ]

    @Test(arguments: cases) func becomesLines(_ text: String, _ expected: [String], _ rest: String) {
        let whole = lines([text])
        #expect(whole.lines == expected && whole.rest == rest)
        // In single bytes too: a log is read wherever it ends by then.
        let (singles, left) = lines(text.unicodeScalars.map { String($0) })
        #expect(singles == expected && left == rest)
    }

    @Test func bytesOneByOneAreTheSame() {
        let bytes = Array("\u{1b}[1mé\u{1b}]0;日\u{7}本\r\nx".utf8)
        var (text, found): (ConsoleText, [String]) = (ConsoleText(), [])
        for byte in bytes { text.take([byte]) { found.append(String(decoding: $0, as: UTF8.self)) } }
        #expect(found == ["é本"] && text.unfinished.elementsEqual("x".utf8))
    }

    @Test func noGuestFillsTheMemory() {
        var (text, longest, count) = (ConsoleText(), 0, 0)
        text.take([UInt8](repeating: 0x61, count: 1 << 20)) { line in
            longest = max(longest, line.count)
            count += 1
        }
        #expect(longest == ConsoleText.longestLine && count == 1023)
        // A string that never ends hides no more than its share.
        text.take("\u{1b}]".utf8) { _ in }
        text.take([UInt8](repeating: 0x62, count: 600)) { _ in }
        #expect(text.unfinished.count { $0 == 0x62 } > 300)
    }

    @Test func whatIsNoTextIsToldFromAnotherLanguage() {
        var binary = ConsoleText()
        binary.take((0..<4096).map { UInt8(truncatingIfNeeded: $0 * 7 | 0x80) } + [0x0a]) { _ in }
        #expect(!binary.isLegible)
        var russian = ConsoleText()
        russian.take(String(repeating: "Загрузка ядра Linux\n", count: 40).utf8) { _ in }
        #expect(russian.isLegible)
        // ISO 8859-1, in which only a few letters are no ASCII.
        var latin = ConsoleText()
        for _ in 0..<20 { latin.take(Array("Gerät f".utf8.filter { $0 != 0xc3 }) + Array("ertig\n".utf8)) { _ in } }
        #expect(latin.isLegible)
    }
}
