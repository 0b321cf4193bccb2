import Foundation
import Testing

@testable import VMCore

/// The scripts of a command, executed by the shells that guests have. Each has its own way with here-documents.
@Suite(.serialized) struct CommandScriptTests {
    static let shells = ["dash", "bash", "bash --posix", "BASH_COMPAT=5.0 bash --posix", "busybox sh"]

    private static let mark = "/run/kvmctl/0123456789abcdef"

    /// What the shell's script passes on.
    private func report(_ shell: String, _ command: GuestCommand) throws -> ShellReport {
        let words = command.arguments(spool: Self.mark).map(ShellCommand.singleQuoted).joined(separator: " ")
        let said = try execute("\(shell) -c \(ShellCommand.singleQuoted(command.script)) \(words)")
        return ShellReport(said, mark: Self.mark)
    }

    /// What a script for the host's shell writes, in a directory of its own.
    private func execute(_ script: String) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvmctl-command-\(Foundation.UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (file, output) = (folder.appending(path: "script"), folder.appending(path: "said"))
        try Data("exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-; export LC_ALL=C; cd \(folder.path())\nenv \(script)".utf8)
            .write(to: file)
        try #require(runShell(file.path(), output: output.path()) == 0)
        return Array(try Data(contentsOf: output))
    }

    @Test(arguments: shells) func aShortCommandIsTakenAsAWhole(_ shell: String) throws {
        let said = try report(shell, GuestCommand(["sh", "-c", "printf 'a\\0b'; echo err >&2; exit 3"]))
        #expect(said.notice == .code(3) && said.output == [0x61, 0, 0x62] && said.errors == Array("err\n".utf8))
        #expect(
            try report(shell, GuestCommand(["true"]))
                == ShellReport(Array("\(Self.mark) code 0\n\(Self.mark)\n".utf8), mark: Self.mark))
        let both = try report(shell, GuestCommand(["sh", "-c", "kill -9 $$"]))
        #expect(both.notice == .code(137) && both.output.isEmpty)
        #expect(try report(shell, GuestCommand(["nosuch"])).errors == Array("nosuch: not found\n".utf8))
        // Nothing of the script's own is open in the command.
        let open = try report(
            shell, GuestCommand(["sh", "-c", "for n in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$n ] || echo $n; done"]))
        #expect(open.output.isEmpty)
    }

    @Test(arguments: shells) func whereAndHowItRuns(_ shell: String) throws {
        var command = GuestCommand(["sh", "-c", "pwd; echo \"$A|$PATH\"; umask; cat"])
        command.directory = "/usr"
        command.environment = ["A=1  '2", "PATH=/nowhere:/usr/bin:/bin"]
        command.mergesErrors = true
        let said = try report(shell, command)
        #expect(said.output == Array("/usr\n1  '2|/nowhere:/usr/bin:/bin\n0022\n".utf8))
        command.directory = "/no such"
        #expect(try report(shell, command).notice == .lostDirectory)
        command.directory = nil
        command.user = "no such"
        #expect(try report(shell, command).notice == .lostUser)
        command.words = ["id", "-un"]
        command.user = "2"
        #expect(try report(shell, command).output == Array("bin\n".utf8))
        command.environment = ["HOME=/x", "SHELL=/y", "PATH=/nowhere", "A=1  '2"]
        for user in ["bin", "2"] {
            command.user = user
            command.words = ["/bin/sh", "-c", "echo \"$HOME|$SHELL|$PATH|$A|$1\"", "sh", "a b"]
            #expect(try report(shell, command).output == Array("/x|/y|/nowhere|1  '2|a b\n".utf8))
        }
        command.user = "4000000000"
        #expect(try report(shell, command).notice == .lostUser)
    }

    /// Keepers that come while it runs take all of it, and tell its pid's descendants nothing.
    @Test(arguments: shells) func keepersTakeTheRest(_ shell: String) throws {
        let said = try kept(
            shell, "echo one; echo bad >&2; until grep -q out \"$1.ctl\"; do sleep 0.1; done; echo two; exit 4",
            after: "sleep 0.3")
        #expect(said.out == "one\ntwo\n" && said.errors == "bad\n" && said.report == "")
        #expect(said.notices.contains(.code(4)) && said.notices.contains(.drained) && !said.notices.contains(.late))
    }

    /// Keepers that come before the shell has its pipes wait for them.
    @Test(arguments: shells) func keepersThatAreEarly(_ shell: String) throws {
        // As on a busy guest: before it has pipes, between those of an old bash, and before the command has them.
        for place in ["exec 6<<end", "echo 1 >/proc/self/fd/6", "exec 8< <(:)", "cd \"$HOME\""] {
            let said = try kept(
                shell, "until grep -q out \"$1.ctl\"; do sleep 0.1; done; echo one; exit 4", after: "true",
                slowlyFrom: place)
            #expect(said.out == "one\n" && said.report.isEmpty, "\(said)")
            #expect(said.notices.contains(.code(4)) && said.notices.contains(.drained), "\(said)")
        }
    }

    /// Keepers that come when only what it left running holds its output: nothing is lost, nor in another order.
    @Test(arguments: shells) func keepersThatComeLate(_ shell: String) throws {
        let said = try kept(
            shell,
            "echo one; echo bad >&2; (until grep -q out \"$1.ctl\"; do sleep 0.1; done; echo three) & echo two; exit 4",
            after: "until grep -q '^cat$' /proc/$main/comm; do sleep 0.1; done")
        let report = ShellReport(Array(said.report.utf8), mark: said.base)
        #expect(report.notice == .code(4) && report.output == Array("one\ntwo\n".utf8))
        #expect(said.out == "three\n" && said.errors == "bad\n" && said.notices.contains(.late))
    }

    private struct Kept {
        var base: String
        var report: String
        var out: String
        var errors: String
        var notices: [GuestNotice]
    }

    /// What a script in the guest writes, whose first parameter is the base name of its spool files, when keepers come after
    /// another script has ended.
    private func kept(
        _ shell: String, _ command: String, after moment: String, slowlyFrom place: String? = nil
    ) throws -> Kept {
        let base = FileManager.default.temporaryDirectory.appending(path: "kvmctl-kept-\(Foundation.UUID())").path()
        var command = GuestCommand(["sh", "-c", command, "sh", base])
        // The files are to be looked at.
        command.isLast = true
        let script = place.map { command.script.replacing($0, with: "sleep 0.3; \($0)") } ?? command.script
        let words = command.arguments(spool: base).map(ShellCommand.singleQuoted).joined(separator: " ")
        let keeping = ShellCommand.singleQuoted(KeepingScript(command).text)
        let said = try execute(
            """
            true
            : >\(base).ctl; : >\(base).out; : >\(base).err
            env \(shell) -c \(ShellCommand.singleQuoted(script)) \(words) >report </dev/null & main=$!
            \(moment)
            env \(shell) -c \(keeping) kvmctl \(base) $main
            wait $main
            for file in report \(base).out \(base).err \(base).ctl; do cat $file; printf '\\1'; done
            rm -f \(base).*
            """)
        let parts = said.split(separator: 1, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        try #require(parts.count == 5)
        let notices = parts[3].split(separator: "\n").compactMap { GuestNotice($0) }
        return Kept(base: base, report: parts[0], out: parts[1], errors: parts[2], notices: notices)
    }

    /// Without pipes all of the output would be lost.
    @Test func aShellWithoutPipes() throws {
        // An old bash has files, and where there is no /dev/fd no other way.
        let said = try report(
            "BASH_COMPAT=5.0 unshare --mount sh -c 'mount -t tmpfs none /dev && exec bash --posix \"$@\"' sh",
            GuestCommand(["echo", "x"]))
        #expect(said.notice == .lostPipes && said.output.isEmpty)
    }

    @Test func aReportThatIsNone() {
        for text in [
            "", "\(Self.mark) code 256\n\(Self.mark)\n", "x", "\(Self.mark)", "\(Self.mark) code 0",
            "\(Self.mark)code 0\n",
        ] {
            #expect(ShellReport(Array(text.utf8), mark: Self.mark).notice == nil)
        }
        // A `cat` that was ended before the end.
        let part = ShellReport(Array("\(Self.mark) code 5\n/run/kv".utf8), mark: Self.mark)
        #expect(part.notice == .code(5) && part.output == Array("/run/kv".utf8) && part.errors.isEmpty)
    }
}
