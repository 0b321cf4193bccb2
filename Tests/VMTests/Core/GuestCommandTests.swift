import Testing

@testable import VMCore

/// What the guest's shell is given, and what it tells.
@Suite struct GuestCommandTests {
    @Test func nothingOfTheCallersIsInTheScript() {
        var command = GuestCommand(["ls", "$(reboot)"])
        let plain = command.script
        #expect(command.arguments(spool: "/run/kvmctl/1") == ["kvmctl", "/run/kvmctl/1", "ls", "$(reboot)"])
        command.environment = ["A=`reboot`"]
        command.directory = "; reboot"
        command.user = "u"
        #expect(!command.script.contains("reboot") && !plain.contains("reboot"))
        #expect(
            command.arguments(spool: "x") == [
                "kvmctl", "x", "; reboot", "su", "-s", "/bin/sh", "-c",
                #"export "$1"; shift; "# + GuestCommand.finding + #"exec "$@""#, "--",
                "u", "sh", "A=`reboot`", "ls", "$(reboot)",
            ])
        // script(1) takes a line, so there every word is quoted.
        command = GuestCommand(["echo", "it's", "$HOME"])
        command.terminal = .init(rows: 24, columns: 80, type: "x;y")
        #expect(
            command.arguments(spool: "x").suffix(4) == [
                "script", "-qec",
                #"stty rows 24 cols 80; export TERM='x;y'; set -- echo 'it'\''s' '$HOME'; "# + GuestCommand.finding
                    + #"exec "$@""#, "/dev/null",
            ])
    }

    @Test func streams() {
        var command = GuestCommand(["x"])
        #expect(KeepingScript(command).text.contains("keep err") && command.script.contains("</dev/null"))
        command.mergesErrors = true
        #expect(!KeepingScript(command).text.contains("keep err") && !command.script.contains("mkfifo"))
        command.input = .given([1])
        #expect(!command.script.contains("</dev/null"))
        command.input = .pieces
        #expect(command.script.contains("mkfifo") && command.script.contains("feed | {"))
    }

    @Test func notices() {
        #expect(GuestNotice("shell 12") == .shell(pid: 12))
        #expect(GuestNotice("err 7") == .keeper(of: "err", pid: 7))
        #expect(GuestNotice("read 3") == .read(number: 3))
        #expect(GuestNotice("code 137") == .code(137))
        #expect(GuestNotice("lost") == .lostDirectory)
        #expect(GuestNotice("cut 137") == .cut(code: 137) && GuestNotice("cut") == nil)
        #expect(GuestNotice("late") == .late && GuestNotice("drained") == .drained)
        for line in [
            "", "shell", "shell -1", "shell 0", "out 1", "shell 1 2", "code x", "lost 1", "code 99999999999999999999",
        ] {
            #expect(GuestNotice(line) == nil)
        }
    }

    @Test func noticesInPieces() {
        var notices = GuestNotices()
        #expect(notices.take(Array("shell 1".utf8)) == [])
        #expect(notices.take(Array("2\njunk\n\ncode".utf8)) == [.shell(pid: 12)])
        #expect(notices.take([UInt8](repeating: 0x78, count: 10_000)) == [])
        #expect(notices.take(Array("\ncut 1\n".utf8)) == [.cut(code: 1)])
    }

    @Test func base64() {
        // RFC 4648, section 10.
        for (text, encoded) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            #expect(Base64.encode(Array(text.utf8)) == encoded)
            #expect(Base64.decode(encoded) == Array(text.utf8))
        }
        let all = (0...255).map { UInt8($0) }
        #expect(Base64.decode(Base64.encode(all)) == all)
        for text in ["Z", "Zg", "Zg=", "Z===", "====", "Zg=a", "Zm9v\n", "Zm 9", "Zé=="] {
            #expect(Base64.decode(text) == nil)
        }
    }

    @Test func repliesOfTheAgent() throws {
        func status(_ text: String) throws -> ExecutionStatus? {
            QMPRequest.executionStatus(1).read(try JSON(parsing: text.utf8))
        }
        #expect(try status(#"{"exited": false}"#) == .running)
        var output = ExecutionOutput()
        #expect(try status(#"{"exited": true, "exitcode": 3}"#) == .ended(code: 3, output: output))
        #expect(try status(#"{"exited": true, "signal": 9}"#) == .ended(code: 137, output: output))
        (output.output, output.errors, output.isCut) = (Array("foo".utf8), Array("f".utf8), true)
        #expect(
            try status(
                #"{"exited": true, "exitcode": 0, "out-data": "Zm9v", "err-data": "Zg==", "err-truncated": true}"#)
                == .ended(code: 0, output: output))
        for text in [
            #"{"exited": true, "exitcode": 0, "out-data": "Z"}"#, #"{"exited": true}"#,
            #"{"exited": true, "exitcode": -1}"#, #"{"exited": 1}"#, "[]",
        ] {
            #expect(try status(text) == nil)
        }
        let read = QMPRequest.read(1, count: 3)
        #expect(read.read(["buf-b64": "Zm9v", "count": 3]) == Array("foo".utf8))
        // More than was asked for.
        #expect(read.read(["buf-b64": "Zm9vYg==", "count": 4]) == nil)
    }

    @Test func options() throws {
        #expect(try OptionValue.variable("_A1=x=y") == "_A1=x=y")
        for text in ["", "=x", "A", "1A=x", "A-B=x", "A B=x"] {
            #expect(throws: OptionValue.Fault.self) { try OptionValue.variable(text) }
        }
        #expect(try OptionValue.user("www-data") == "www-data")
        for text in ["", "-c", "a\nb"] { #expect(throws: OptionValue.Fault.self) { try OptionValue.user(text) } }
    }
}
