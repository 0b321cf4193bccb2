import Foundation
import SystemPackage
import Testing

@testable import VMCore
@testable import VMHost

/// Commands that a person is told to run can be pasted: nothing in them is a command that somebody else wrote, and none
/// stops something that works or deletes anything.
@Suite struct RemedyTests {
    /// Names that have a special meaning for a shell, a terminal or an option parser.
    static let hostile = [
        "$(reboot)", "`reboot`", "a;reboot", "a b", "a'b", "a\"b", "a\\b", "'", "$'x'", "${IFS}", "*", "~", "a\nb",
        "a\tb",
        "a\u{1b}[31mb", "a\u{202e}b", "é", "=ls", "a&b", "a|b", "a>b", "(a)", "{a,b}", "!x", "#x", "", "-", "a=b", "日本",
        "'\u{301};reboot;'\u{301}", "`\u{301}reboot`\u{301}",
    ]

    @Test(arguments: hostile)
    func aWordStaysOneWord(_ word: String) throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("words-\(Foundation.UUID())")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let (script, output) = (place.appendingPathComponent("script"), place.appendingPathComponent("output"))
        let line: ShellCommand = "printf <%s> first \(word) \(word)last"
        // bash has the $'…' of POSIX.1-2024; the sh of Debian 12 does not.
        try "exec bash <<'END'\n\(line)\nEND\n".write(to: script, atomically: true, encoding: .utf8)
        #expect(runShell(script.path, output: output.path) == 0)
        let printed = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        #expect(printed == "<first><\(word)><\(word)last>")
        // Nothing in it controls a terminal, or is shown as something else.
        #expect(Printable.escaped(line.description) == line.description)
    }

    /// A combining mark makes one Character of itself and the back-quote before it.
    @Test func noNameOpensACommand() {
        #expect(VMError(.busy, "a`\u{301}b`", "c").summary == "a\\x60\u{301}b\\x60: c")
    }

    @Test func operatorsAreTheOnlySyntax() {
        let line = ("a \("x;y")" as ShellCommand).and("b").piped(to: "c \("|")").reading(from: "i n").writing(to: "$o")
        #expect(line.description == "a 'x;y' && b | c '|' <'i n' >'$o'")
        #expect(("a; b" as ShellCommand).description == "'a;' b")
        #expect(("a" as ShellCommand).appending(to: "-f").description == "a >>-f")
    }

    @Test(arguments: hostile.filter { $0.unicodeScalars.allSatisfy(Printable.isPlain) && !$0.isEmpty })
    func aLineOfAParamsFileSaysWhatIsMeant(_ value: String) throws {
        let bytes = Array("\(ParamsLine("APPEND", value))\nKERNEL=k\n".utf8)
        let params = try #require(VMParams.parse(bytes, file: "/vms/1/vm.params").params)
        #expect(params.kernel?.commandLine?.value == value)
    }

    @Test func textIsAdvice() {
        let name = "$(reboot)"
        #expect(("stop \(name)" as Remedy) == .advice("stop $(reboot)"))
        #expect(
            Remedy.run("make it", "mkdir \(name)", or: "wait").description == "make it: `mkdir '$(reboot)'`, or wait")
    }

    /// Only `ShellCommand` puts a command with a name in it between back-quotes, so that no name gets there unquoted.
    @Test func noTextQuotesACommandItself() throws {
        // These read or escape them.
        let reading = ["ShellCommand.swift", "ShellWord.swift", "VMError.swift"]
        for (file, line) in try Self.sources() where line.contains("`") && !reading.contains(file) {
            let comment = line.firstRange(of: "// ")?.lowerBound ?? line.endIndex
            let isQuoted = line[..<comment].split(separator: "\"", omittingEmptySubsequences: false).enumerated()
                .contains { $0.offset % 2 == 1 && $0.element.contains("`") }
            #expect(!isQuoted || !line.contains("\\("), "\(file): \(line)")
        }
    }

    /// Anything that stops a VM, cuts off the host or deletes is described, never a command to paste.
    @Test func noCommandStopsOrDeletes() throws {
        let harm = [
            "rm ", "rmdir ", "kill ", "pkill ", "reboot ", "dd ", "mkfs", "shred ", "chown 0", "chmod o", "chmod 7",
            "mv -f",
            "mv \\(", "cp \\(", "kvmctl stop", "kvmctl rm", "kvmctl reset", "kvmctl restart --hard", "kvmctl net down",
            "ip link del", "ip route del",
            "ip address del", "nft flush", "nft delete", "systemctl stop", "systemctl disable",
        ]
        for (file, line) in try Self.sources() {
            for command in harm where line.contains("\"\(command)") || line.contains("\"sudo \(command)") {
                Issue.record("\(file): \(line)")
            }
        }
    }

    /// Every line of the sources that is not a comment, with its file's name.
    private static func sources() throws -> [(file: String, line: Substring)] {
        let found = try SourceTree.swiftFiles(below: "Sources").flatMap { file in
            file.text.split(separator: "\n").map { (file.name, $0) }
        }
        #expect(found.count > 10_000)
        return found.filter { !$0.1.drop { $0 == " " }.hasPrefix("//") }
    }
}
