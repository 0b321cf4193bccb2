import Foundation
import SystemPackage
import Testing

@testable import VMCore

/// Only the line of a key that is set or removed changes, and it says what was asked for.
@Suite struct ParamsDocumentTests {
    /// Every params file under `Fixtures`, good and bad.
    static let fixtures = ["bad-params", "plans"].flatMap { folder in
        ((try? FileManager.default.contentsOfDirectory(atPath: Golden.path(folder))) ?? [])
            .filter { $0.hasSuffix(".params") }.map { "\(folder)/\($0)" }.sorted()
    }

    private func document(_ fixture: String) throws -> ParamsDocument {
        ParamsDocument(Array(try Data(contentsOf: URL(fileURLWithPath: Golden.path(fixture)))))
    }

    private func key(_ text: String) throws -> KeyName {
        guard case .entry(_, let name) = ParamsSchema.find(text) else { throw UnknownKey(text: text) }
        return name
    }

    private struct UnknownKey: Error { var text: String }

    // MARK: - Fixtures

    @Test(arguments: fixtures) func settingTheSameValueChangesNothing(_ fixture: String) throws {
        let original = try document(fixture)
        for line in original.assignments.keys {
            guard let name = try? key(line), let value = original.value(of: name) else { continue }
            var changed = original
            // Refused if several lines set it, or the file is not text.
            try? changed.set(name, to: value)
            #expect(changed == original, "\(line)")
        }
    }

    @Test(arguments: fixtures) func removingANewKeyRestoresTheFile(_ fixture: String) throws {
        let original = try document(fixture)
        for name in ["CPUS", "APPEND", "DISK1_SIZE", "NET7", "MAC", "QEMUARG0"] {
            check(original, try key(name), "a 'b'")
        }
    }

    // MARK: - In place

    @Test(arguments: [
        // Bare values, `export`, comments and their column.
        ("MEMORY=512\n", "MEMORY", "2G", "MEMORY=2G\n"),
        ("  export  MEMORY=512\t# c\r\n", "MEMORY", "2G", "  export  MEMORY=2G\t# c\r\n"),
        ("MEMORY=512 # c", "MEMORY", "16384", "MEMORY=16384 # c"),
        ("MEMORY=512   # c", "MEMORY", "4096", "MEMORY=4096  # c"),
        ("MEMORY=512   # c", "MEMORY", "1", "MEMORY=1     # c"),
        ("MEMORY=512   # c", "MEMORY", "1048576", "MEMORY=1048576 # c"),
        ("KERNEL='ü'   # c", "KERNEL", "ue", "KERNEL='ue'  # c"),
        ("MEMORY=512   ", "MEMORY", "4096", "MEMORY=4096   "),
        ("\u{feff}MEMORY=512\n", "MEMORY", "2G", "\u{feff}MEMORY=2G\n"),
        // Quotes are kept if possible, and added if necessary.
        ("APPEND=a\n", "APPEND", "a b", "APPEND='a b'\n"), ("APPEND=a\n", "APPEND", "", "APPEND=''\n"),
        ("APPEND=\n", "APPEND", "a", "APPEND=a\n"), ("APPEND='a'\n", "APPEND", "b", "APPEND='b'\n"),
        ("APPEND=\"a\"\n", "APPEND", "b c", "APPEND=\"b c\"\n"),
        ("APPEND=\"a\"\n", "APPEND", "it's", "APPEND=\"it's\"\n"),
        ("APPEND=\"a\"\n", "APPEND", "$x", "APPEND='$x'\n"), ("APPEND=\"a\"\n", "APPEND", "a\\b", "APPEND='a\\b'\n"),
        ("APPEND='a'\n", "APPEND", "it's", "APPEND='it'\\''s'\n"), ("APPEND=a\n", "APPEND", "a#b", "APPEND='a#b'\n"),
        ("APPEND=a\\ b'c'\n", "APPEND", "d", "APPEND=d\n"),
        // A line that has the value already stays as it is.
        ("APPEND=a\\ b'c'   # d\n", "APPEND", "a bc", "APPEND=a\\ b'c'   # d\n"),
        // Equal as strings, but two different file names.
        ("KERNEL=\u{e9}\n", "KERNEL", "e\u{301}", "KERNEL='e\u{301}'\n"),
        // Other lines stay: comments, blank lines, duplicates and errors.
        (
            "# a\n\nFOO=1\nMEMORY=512\nMEMORY 1\nCPUS=1\nCPUS=2\n\n", "MEMORY", "1G",
            "# a\n\nFOO=1\nMEMORY=1G\nMEMORY 1\nCPUS=1\nCPUS=2\n\n"
        ),
    ])
    func setsInPlace(_ before: String, _ name: String, _ value: String, _ after: String) throws {
        var document = ParamsDocument(Array(before.utf8))
        try document.set(key(name), to: value)
        #expect(document.text.utf8.elementsEqual(after.utf8), "\(document.text)")
        check(ParamsDocument(Array(before.utf8)), try key(name), value)
    }

    // MARK: - New lines

    @Test(arguments: [
        ("", "MEMORY", "MEMORY=x\n"), ("\u{feff}", "MEMORY", "\u{feff}MEMORY=x\n"),
        ("A=1\n", "MEMORY", "A=1\nMEMORY=x\n"),
        ("# c\n\n", "MEMORY", "# c\n\nMEMORY=x\n"), ("A=1\r\n", "MEMORY", "A=1\r\nMEMORY=x\r\n"),
        // A file that lacks its last newline goes on lacking it.
        ("A=1", "MEMORY", "A=1\nMEMORY=x"), ("A=1\r\nB=2", "MEMORY", "A=1\r\nB=2\r\nMEMORY=x"),
        ("A=1\r", "MEMORY", "A=1\r\nMEMORY=x\r"),
        // Next to the same disk or NIC, else after the one before it, else after another, else in the same chapter.
        (
            "DISK0=a\nDISK1=b\n# two\nDISK2=c\nMEMORY=1G\n", "DISK1_SIZE",
            "DISK0=a\nDISK1=b\nDISK1_SIZE=x\n# two\nDISK2=c\nMEMORY=1G\n"
        ),
        (
            "DISK0=a\nDISK1=b\nDISK1_FORMAT=raw\nMEMORY=1G\n", "DISK1_SIZE",
            "DISK0=a\nDISK1=b\nDISK1_FORMAT=raw\nDISK1_SIZE=x\nMEMORY=1G\n"
        ),
        (
            "DISK0=a\nDISK0_FORMAT=raw\nDISK2=c\nMEMORY=1G\n", "DISK1",
            "DISK0=a\nDISK0_FORMAT=raw\nDISK1=x\nDISK2=c\nMEMORY=1G\n"
        ),
        ("DISK2=c\nMEMORY=1G\n", "DISK0", "DISK2=c\nDISK0=x\nMEMORY=1G\n"),
        ("NET0=user\nVNCDISP=0\n", "NET0_MAC", "NET0=user\nNET0_MAC=x\nVNCDISP=0\n"),
        ("MAC=a\nNET1=user\nVNCDISP=0\n", "NET0_VLAN", "MAC=a\nNET0_VLAN=x\nNET1=user\nVNCDISP=0\n"),
        ("NET0=user\nNET1=user\nVNCDISP=0\n", "MAC", "NET0=user\nMAC=x\nNET1=user\nVNCDISP=0\n"),
        ("NET0=user\nVNCDISP=0\n", "FORWARD0", "NET0=user\nFORWARD0=x\nVNCDISP=0\n"),
        ("KERNEL=k\nDISK0=a\n", "APPEND", "KERNEL=k\nAPPEND=x\nDISK0=a\n"),
        ("MEMORY=1G\nDISK0=a\n", "CPUS", "MEMORY=1G\nCPUS=x\nDISK0=a\n"),
        ("MEMORY=1G\nDISK0=a\n", "VNCDISP", "MEMORY=1G\nDISK0=a\nVNCDISP=x\n"),
        ("VNCDISP=0\nDISK0=a\n", "VNCBIND", "VNCDISP=0\nVNCBIND=x\nDISK0=a\n"),
        // Next to a faulty line too.
        ("DISK0='a\nMEMORY=1G\n", "DISK0_SIZE", "DISK0='a\nDISK0_SIZE=x\nMEMORY=1G\n"),
        // The vm.params of 2010.
        (
            "MAC=52:54:00:00:00:01\nDISK0=/vms/1/vdisk0\nDISK1=/vms/1/vdisk1\nMEMORY=512\nVNCDISP=0\n", "DISK0_FORMAT",
            "MAC=52:54:00:00:00:01\nDISK0=/vms/1/vdisk0\nDISK0_FORMAT=x\nDISK1=/vms/1/vdisk1\nMEMORY=512\nVNCDISP=0\n"
        ),
    ])
    func addsNextToRelatedKeys(_ before: String, _ name: String, _ after: String) throws {
        var document = ParamsDocument(Array(before.utf8))
        try document.set(key(name), to: "x")
        #expect(document.text.utf8.elementsEqual(after.utf8), "\(document.text)")
        check(ParamsDocument(Array(before.utf8)), try key(name), "x")
    }

    @Test(arguments: [
        ("# a\nMEMORY=1 # b\n# c\nCPUS=1\n", "MEMORY", "# a\n# c\nCPUS=1\n"), ("MEMORY=1\n", "MEMORY", ""),
        ("\u{feff}MEMORY=1\r\nCPUS=1\r\n", "MEMORY", "\u{feff}CPUS=1\r\n"), ("MEMORY=1", "MEMORY", ""),
        ("CPUS=1\r\nMEMORY=1", "MEMORY", "CPUS=1"), ("CPUS=1\n\nMEMORY=1", "MEMORY", "CPUS=1\n"),
        ("CPUS=1\n", "MEMORY", "CPUS=1\n"), ("MEMORY 1\n#MEMORY=1\n", "MEMORY", "MEMORY 1\n#MEMORY=1\n"),
    ])
    func removesOnlyTheLine(_ before: String, _ name: String, _ after: String) throws {
        var document = ParamsDocument(Array(before.utf8))
        try document.remove(key(name))
        #expect(document.text.utf8.elementsEqual(after.utf8), "\(document.text)")
        try document.remove(key(name))
        #expect(document.text.utf8.elementsEqual(after.utf8))
    }

    @Test func aFileMadeFromNothing() throws {
        var document = ParamsDocument()
        document.append(comment: "Made by a test\nMEMORY=1")
        for (name, value) in [("NAME", "web"), ("DISK0", "it's"), ("DISK1", "b"), ("DISK0_SIZE", "8G"), ("CPUS", "2")] {
            try document.set(key(name), to: value)
        }
        #expect(
            document.text == """
                # Made by a test\\x0aMEMORY=1
                NAME=web
                DISK0='it'\\''s'
                DISK0_SIZE=8G
                DISK1=b
                CPUS=2

                """)
        #expect(VMParams.parse(document.bytes, file: "/vms/1/vm.params").params?.disks.count == 2)
    }

    // MARK: - What is refused

    @Test func refusesControlCharacters() throws {
        for value in UInt8.min...0x7f where ShellWord.isControl(value) {
            let text = "a\(Unicode.Scalar(value))b"
            expect(.controlCharacter(KeyName(.append), value), "KERNEL=k\n", "APPEND", text)
        }
    }

    @Test func refusesToGuess() {
        let twice = ParamsDocument.Failure.setTwice(KeyName(.memory), lines: [1, 3])
        expect(twice, "MEMORY=1\nCPUS=1\nMEMORY=2\n", "MEMORY", "3")
        expect(twice, "MEMORY=1\nCPUS=1\nMEMORY= 2\n", "MEMORY", "3")
        expect(.unreadable(KeyName(.memory), line: 2), "CPUS=1\nMEMORY=$x\n", "MEMORY", "3")
        #expect("\(twice)" == "MEMORY is set on lines 1 and 3: remove all but one")
    }

    @Test func refusesWhatIsNoParamsFile() {
        expect(.notParams(.utf16), "\u{0}", prefix: [0xff, 0xfe], "MEMORY", "3")
        expect(.notParams(.nulByte(at: 2)), "# \u{0}\n", "MEMORY", "3")
        let large = String(repeating: "x", count: VMParams.maximumFileSize)
        expect(.notParams(.tooLarge), "", "APPEND", large)
    }

    private func expect(
        _ failure: ParamsDocument.Failure, _ text: String, prefix: [UInt8] = [], _ name: String, _ value: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let original = ParamsDocument(prefix + Array(text.utf8))
        var document = original
        #expect(throws: failure, sourceLocation: sourceLocation) { try document.set(key(name), to: value) }
        #expect(document == original, sourceLocation: sourceLocation)
    }

    // MARK: - Random documents

    @Test func anyKeyOfAnyDocument() {
        var generator = SeededGenerator(state: 11)
        for _ in 0..<500 {
            let document = ParamsDocument(RandomParams.file(using: &generator))
            for _ in 0..<2 {
                let value = RandomParams.value(using: &generator)
                check(document, RandomParams.name(using: &generator), value)
            }
        }
    }

    @Test func anyBytes() {
        var generator = SeededGenerator(state: 12)
        for _ in 0..<400 {
            let bytes = Hostile.mutated(ParamsFuzzTests.sample, using: &generator)
            check(ParamsDocument(bytes), RandomParams.name(using: &generator), RandomParams.value(using: &generator))
        }
    }

    /// Sets a key, and checks everything that holds for any document.
    private func check(
        _ original: ParamsDocument, _ name: KeyName, _ value: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let key = name.description
        let known = original.assignments[key] != nil
        var document = original
        do throws(ParamsDocument.Failure) { try document.set(name, to: value) } catch {
            let isRight =
                switch error {
                case .controlCharacter(_, let byte): value.utf8.contains(byte)
                case .setTwice(_, let lines): lines.count > 1
                case .unreadable: !known
                case .notParams: NoText(original.bytes) != nil
                }
            #expect(isRight && document == original, "\(error)", sourceLocation: sourceLocation)
            return
        }
        let shown = Comment(rawValue: "\(key)=\(value.debugDescription) in \(original.text.debugDescription)")
        // The lexer reads the value back, and no other line changed.
        #expect(document.value(of: name)?.utf8.elementsEqual(value.utf8) == true, shown, sourceLocation: sourceLocation)
        #expect(document.lines(without: key) == original.lines(without: key), shown, sourceLocation: sourceLocation)
        // Setting it twice is setting it once.
        var again = document
        try? again.set(name, to: value)
        #expect(again == document, shown, sourceLocation: sourceLocation)
        // Removing a new key restores the document.
        var removed = document
        try? removed.remove(name)
        #expect(removed.value(of: name) == nil, shown, sourceLocation: sourceLocation)
        if !known { #expect(removed == original, shown, sourceLocation: sourceLocation) }
        // If the last line has no newline, removing it removes the newline before it.
        guard original.bytes.last == UInt8(ascii: "\n") else { return }
        #expect(removed.lines(without: key) == original.lines(without: key), shown, sourceLocation: sourceLocation)
    }

    /// sh reads the same values as the lexer.
    @Test func theShellAgrees() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvmctl-document-\(Foundation.UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (script, output) = (folder.appending(path: "script"), folder.appending(path: "output"))
        var generator = SeededGenerator(state: 13)
        var commands: [UInt8] = []
        var meant: [[UInt8]] = []
        for style in ["APPEND=x\n", "APPEND='x' # c\n", "APPEND=\"x\"   # c\n", "export APPEND=x\n", ""] {
            for _ in 0..<200 {
                var document = ParamsDocument(Array(style.utf8))
                let value = RandomParams.value(using: &generator)
                guard (try? document.set(KeyName(.append), to: value)) != nil else { continue }
                commands += document.bytes + Array("printf '%s\\0' \"$APPEND\"\n".utf8)
                meant.append(Array(value.utf8))
            }
        }
        try Data(commands).write(to: script)
        try #require(runShell(script.path(), output: output.path()) == 0)
        let said = try Data(contentsOf: output).split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
        #expect(said.dropLast() == meant[...])
    }
}

extension ParamsDocument {
    /// The first value of each key.
    fileprivate var assignments: [String: String] {
        Dictionary(
            ParamsLexer(bytes).compactMap { try? $0.get() }.map { ($0.key, $0.value) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Every line but that of a key, byte for byte; without the end of the last one, which a new line after it completes.
    fileprivate func lines(without key: String) -> [[UInt8]] {
        let text = bytes[ParamsLexer.start(of: bytes)...]
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        let own = ParamsLexer(bytes).compactMap { try? $0.get() }.first { $0.key == key }
        if lines.last == [] { lines.removeLast() }
        if let own { lines.remove(at: own.line - 1) }
        if text.last != UInt8(ascii: "\n"), let last = lines.last, last.last == UInt8(ascii: "\r") {
            lines[lines.count - 1].removeLast()
        }
        return lines
    }
}

/// Random params files and values, full of what needs quotes.
private enum RandomParams {
    private static let pieces = [
        "a", "Z", "9", "/", ".", ":", "=", ",", "-", "_", " ", "  ", "\t", "'", "\"", "\\", "$", "$x", "$(reboot)",
        "${",
        "`", "#", " # c", ";", "&", "|", "<", ">", "(", ")", "*", "?", "[a]", "{a,b}", "~", ":~", "!", "%", "\u{e9}",
        "\u{301}", "日本", "\u{200b}", "\u{a0}", "\u{85}", "\u{2028}", "\u{feff}", "𝄞",
    ]

    static func value(using generator: inout SeededGenerator) -> String {
        let count = Int.random(in: 0...8, using: &generator)
        let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
        let control = ["\n", "\r", "\r\n", "\u{0}", "\u{1b}", "\u{7f}"].randomElement(using: &generator) ?? ""
        return Int.random(in: 0...19, using: &generator) == 0 ? text + control : text
    }

    /// One of a few keys, so that the file is likely to have it.
    static func name(using generator: inout SeededGenerator) -> KeyName {
        let keys: [ParamsKey] = [
            .name, .memory, .append, .kernel, .disk, .diskSize, .net, .netMAC, .mac, .qemuArgument,
        ]
        let key = keys.randomElement(using: &generator) ?? .name
        let isNumbered = key.pattern.contains("n")
        return KeyName(key, isNumbered ? Int.random(in: 0...2, using: &generator) : nil)
    }

    static func file(using generator: inout SeededGenerator) -> [UInt8] {
        let count = Int.random(in: 0...9, using: &generator)
        let ends = Bool.random(using: &generator) ? ["\n"] : Bool.random(using: &generator) ? ["\r\n"] : ["\n", "\r\n"]
        var text = UInt8.random(in: 0...9, using: &generator) == 0 ? "\u{feff}" : ""
        for index in 0..<count {
            text += line(using: &generator)
            let isLast = index == count - 1 && Bool.random(using: &generator)
            text +=
                isLast
                ? ["", "", "\r", "\r\r"].randomElement(using: &generator) ?? ""
                : ends.randomElement(using: &generator) ?? "\n"
        }
        return Array(text.utf8)
    }

    private static func line(using generator: inout SeededGenerator) -> String {
        let name = name(using: &generator)
        let value = value(using: &generator).filter { $0 != "\n" && $0 != "\r\n" }
        let style: Quoting = [.whereNeeded, .single, .double].randomElement(using: &generator) ?? .single
        let comment = ["", "", " # c", "   # c", "\t# c", "  "].randomElement(using: &generator) ?? ""
        return switch UInt8.random(in: 0...9, using: &generator) {
        case 0: ""
        case 1: "# \(name)=\(value)"
        case 2: "\(name)=\(value)"
        case 3: "\(name) = \(value)"
        case 4: "FOO=\(style.written(value))"
        case 5: "  export \(name)=\(style.written(value))\(comment)"
        default: "\(name)=\(style.written(value))\(comment)"
        }
    }
}
