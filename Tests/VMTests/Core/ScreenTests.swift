import Testing

@testable import VMCore

/// Keys and text for the guest's keyboard, and what is read from its screen.
@Suite struct ScreenTests {
    @Test(arguments: [
        ("ctrl-alt-delete", ["ctrl", "alt", "delete"]), ("Ctrl+Alt+Del", ["ctrl", "alt", "delete"]), ("F2", ["f2"]),
        ("enter", ["ret"]), ("meta_l-a", ["meta_l", "a"]),
    ])
    func chords(_ text: String, _ keys: [String]) throws {
        #expect(try OptionValue.chord(text).keys.map(\.description) == keys)
    }

    @Test(arguments: [
        ("ctrl-alt-delet", "Did you mean delete?"), ("ctrl-", "'' is not"), ("a-b-a", "the key a twice"),
        ("KEY_ENTER", "Did you mean ret?"), ("KEY_LEFTCTRL", "Did you mean ctrl?"), ("key_a", "Did you mean a?"),
        ("KEY_KPENTER", "Did you mean kp_enter?"), ("KEY_F11", "Did you mean f11?"),
        ("A!", "--text"), ("!", "shift-1"),
    ])
    func chordsThatAreRefused(_ text: String, _ said: String) {
        #expect { try OptionValue.chord(text) } throws: { "\($0)".contains(said) }
    }

    @Test func textIsTypedAsOnTheUSLayout() throws {
        let typed = try TypedText("aB1!\\n~\\\\ \u{9}").chords.map(\.description)
        #expect(
            typed == ["a", "shift-b", "1", "shift-1", "ret", "shift-grave_accent", "backslash", "spc", "tab"])
        // Every printable character has a key.
        let all = String((0x20...0x7e).map { Character(Unicode.Scalar($0 as UInt8)) }).replacing("\\", with: "\\\\")
        #expect(Set(try TypedText(all).chords.map(\.description)).count == 95)
    }

    @Test(arguments: ["naïve", "a\\x", "end\\", "\u{7f}"])
    func textThatCannotBeTyped(_ text: String) {
        #expect { try TypedText(text) } throws: { "\($0)".contains("Nothing was typed") }
    }

    // 80×25 cells of 9×16 pixels.
    private static let size = (columns: 80, rows: 25, width: 720, height: 400)

    /// A screen on which each cell is drawn as some pixels that depend on what is in the memory.
    private func drawn(_ memory: [UInt8], from start: Int) -> Picture? {
        let (columns, _, width, height) = Self.size
        var pixels = [UInt8](repeating: 0, count: 3 * width * height)
        for y in 0..<height {
            for x in 0..<width {
                let cell = start + 2 * (y / 16 * columns + x / 9)
                let isLit = memory[cell] != 0x20 && (Int(memory[cell]) >> (x % 9 % 8)) & 1 == 1
                pixels[3 * (y * width + x)] = isLit ? memory[cell + 1] : 0
            }
        }
        return Picture(ppm: Array("P6\n720 400\n255\n".utf8) + pixels)
    }

    private func memory(_ lines: [String], from start: Int) -> [UInt8] {
        var memory = (0..<TextScreen.memory.bytes).map { $0 % 2 == 0 ? 0x20 : 0x07 as UInt8 }
        for (row, line) in lines.enumerated() {
            for (column, byte) in line.utf8.enumerated() { memory[start + 2 * (row * 80 + column)] = byte }
        }
        return memory
    }

    @Test(arguments: [0, 160, 160 * 100])
    func textIsReadFromWhereTheScreenBegins(_ start: Int) throws {
        let lines = ["Booting from Hard Disk...", "", "  login: root"]
        let memory = memory(lines, from: start)
        let picture = try #require(drawn(memory, from: start))
        #expect(TextScreen(picture, memory: memory)?.lines == lines)
    }

    @Test func aPictureOfSomethingElseIsNoText() throws {
        let shown = memory(["something", "quite", "different"], from: 0)
        let picture = try #require(drawn(shown, from: 0))
        #expect(TextScreen(picture, memory: memory(["Booting from Hard Disk...", "x"], from: 0)) == nil)
        // No memory is mapped there.
        let unmapped = [UInt8](repeating: 0xff, count: TextScreen.memory.bytes)
        #expect(TextScreen(picture, memory: unmapped) == nil)
    }

    @Test func pictures() {
        #expect(Picture(ppm: Array("P6\n2 1\n255\n".utf8) + [1, 2, 3, 4, 5, 6])?.width == 2)
        for bad in ["P6\n2 1\n255\n", "P6\n2 1\n", "P6", "", "P5\n1 1\n255\n123", "P6\n-1 1\n255\n", "P6\n0 9\n255\n"] {
            #expect(Picture(ppm: Array(bad.utf8)) == nil)
        }
        #expect(PictureFormat.png.begins([0x89] + Array("PNG\r\n\u{1a}\n".utf8)))
        #expect(!PictureFormat.png.begins(Array("P6\n".utf8)))
    }

    @Test func requests() throws {
        let memory = try JSON(parsing: #""0b8000: 0x07200748 0x01020304\r\n""#.utf8)
        #expect(
            QMPRequest.physicalMemory(at: 0xb8000, count: 8).read(memory) == [0x48, 7, 0x20, 7, 4, 3, 2, 1])
        #expect(QMPRequest.physicalMemory(at: 0xb8000, count: 12).read(memory) == nil)
        #expect(QMPRequest.lendDescriptor.read(["fdset-id": 3, "fd": 9]) == 3)
        let chord = try OptionValue.chord("ctrl-c")
        #expect(
            QMPRequest.press(chord, holding: .milliseconds(50)).command.line() == #"{"arguments":{"hold-time":50,"#
                + #""keys":[{"data":"ctrl","type":"qcode"},{"data":"c","type":"qcode"}]},"execute":"send-key"}"#)
        #expect(QMPRequest.screenshot(to: "x", as: .ppm).command.arguments == ["filename": "x"])
    }
}
