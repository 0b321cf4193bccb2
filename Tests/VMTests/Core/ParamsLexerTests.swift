import FoundationEssentials
import Testing

@testable import VMCore
@testable import VMHost

@Suite struct ParamsLexerTests {
    /// What follows `V=`, and what sh assigns.
    static let values: [(String, String)] = [
        ("plain", "plain"), ("a#b", "a#b"), ("#b", "#b"), ("a # b", "a"), ("'a b'", "a b"), ("\"a b\"", "a b"),
        ("a'b c'd", "ab cd"), ("a\"b c\"d", "ab cd"), ("'a'\"'\"'b'", "a'b"), ("'a'\\''b'", "a'b"), ("a\\ b", "a b"),
        ("a\\\\b", "a\\b"), ("\"a\\\\b\"", "a\\b"), ("\"a\\b\"", "a\\b"), ("\"a\\\"b\"", "a\"b"), ("\"\\$x\"", "$x"),
        ("\"\\`\"", "`"), ("'$x `y` $(z)'", "$x `y` $(z)"), ("\\$x", "$x"), ("a$", "a$"), ("\"a$\"", "a$"),
        ("a$/b", "a$/b"), ("\"it's\"", "it's"), ("\"'$'\"", "'$'"), ("''", ""), ("a=b=c", "a=b=c"),
        ("a*?[b]", "a*?[b]"),
        ("{a,b}", "{a,b}"), ("a~", "a~"), ("'~/x'", "~/x"), ("\\~/x", "~/x"), ("''~/x", "~/x"), ("x'#'y #z", "x#y"),
        ("\"a # b\"", "a # b"), ("ü€𝄞", "ü€𝄞"), ("!x", "!x"), ("a:b", "a:b"), ("\"a\tb\"", "a\tb"), ("a\t# b", "a"),
    ]

    private func first(_ text: String) -> Result<Assignment, Fault>? {
        var lexer = ParamsLexer(Array(text.utf8))
        return lexer.next()
    }

    @Test(arguments: values) func readsWhatShReads(_ written: String, _ meant: String) throws {
        #expect(try first("V=\(written)\n")?.get().value == meant)
    }

    /// The real shell agrees with the table above.
    @Test func agreesWithTheShell() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "kvmctl-lexer-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let out = folder.appending(path: "out")
        let script = Self.values.map { "V=\($0.0)\nprintf '%s\\0' \"$V\"\n" }.joined()
        let file = folder.appending(path: "script")
        try Data(script.utf8).write(to: file)
        try #require(runShell(file.path(), output: out.path()) == 0)
        let said = try Data(contentsOf: out).split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        #expect(Array(said.dropLast()) == Self.values.map(\.1))
    }

    @Test(arguments: [
        "V=$x", "V=${x}", "V=$(x)", "V=`x`", "V=\"$x\"", "V=\"`x`\"", "V=$'x'", "V=a;b", "V=a&", "V=a|b", "V=a<b",
        "V=a>b", "V=(a)", "V=a)", "V=~", "V=~/x", "V=a:~/x", "V='a", "V=\"a", "V=\"a\\\"", "V=a\\", "V=a b", "V= a",
        "V =a", "V", "=a", "V-W=a", "V=a\u{1}", "V=\u{7f}", "export", "export V", "\u{feff}\u{feff}V=a",
    ])
    func refuses(_ line: String) throws {
        let result = try #require(first(line))
        #expect(throws: Fault.self) { try result.get() }
    }

    @Test(arguments: ["", "\n\n", "# V=1", "  \t# V=1", "\r\n", "#\u{0}\u{1}", "\u{feff}# x"])
    func skips(_ text: String) { #expect(first(text) == nil) }

    @Test(arguments: ["V=1", "export V=1", " \texport \t V=1 ", "V=1\r\n", "\u{feff}V=1", "\n\nV=1", "V='1' # x\r"])
    func tolerates(_ text: String) throws {
        let assignment = try #require(try first(text)?.get())
        #expect(assignment.key == "V" && assignment.value == "1")
    }

    @Test func exportIsAlsoAKey() throws { #expect(try first("export=1")?.get().key == "export") }

    @Test func placesPointIntoTheFile() throws {
        let assignment = try #require(try first("V=a'b c'\\d\"e\"f")?.get())
        #expect(assignment.value == "ab cdef")
        #expect(assignment.span(of: nil) == 2..<14)
        #expect(assignment.span(of: 0..<1) == 2..<3)
        #expect(assignment.span(of: 1..<4) == 4..<7)
        #expect(assignment.span(of: 4..<5) == 9..<10)
        #expect(assignment.span(of: 5..<7) == 11..<14)
    }
}
