import Testing

@testable import VMCore

/// Commands on a guest's serial console: what is typed there, and what is taken for an answer.
@Suite struct SerialTests {
    private static let token = "0123456789abcdef"
    private static let sum = SerialChecksum.cksum.of(Array("hello".utf8))

    private func items(_ text: String) -> [SerialFrames.Item] {
        var frames = SerialFrames(token: Self.token)
        return frames.take(text.utf8)
    }

    private func frames(_ text: String) -> [SerialFrame] {
        items(text).compactMap { if case .frame(let frame) = $0 { frame } else { nil } }
    }

    private func part(_ text: String) -> [SerialFrame] {
        frames("\n@\(Self.token) data 3 out 1 0 .\n\(text)\n@\(Self.token) check 3 \(Self.sum) .\n")
    }

    private let hello = SerialFrame.part(.init(sequence: 3, stream: .out, number: 1, offset: 0), Array("hello".utf8))
    private let damaged = SerialFrame.part(.init(sequence: 3, stream: .out, number: 1, offset: 0), nil)

    @Test func checksums() {
        // As cksum(1) and md5sum(1) print them.
        #expect(SerialChecksum.cksum.of([]) == "4294967295")
        #expect(SerialChecksum.cksum.of(Array("123456789".utf8)) == "930766865")
        #expect(SerialChecksum.md5.of([]) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(SerialChecksum.md5.of(Array("abc".utf8)) == "900150983cd24fb0d6963f7d28e17f72")
        for (length, sum) in [
            (55, "04364420e25c512fd958a70738aa8f72"), (56, "668a72d5ba17f08e62dabcafad6db14b"),
            (64, "c1bb4f81d892b2d57947682aeb252456"),
        ] {
            #expect(SerialChecksum.md5.of([UInt8](repeating: UInt8(ascii: "x"), count: length)) == sum)
        }
    }

    @Test func framesAmongOtherText() {
        #expect(frames("/ # typed\r\r\n\n@\(Self.token) ready .\r\r\n") == [.ready])
        #expect(frames("[    1.000000] before it@\(Self.token) done 7 .\n") == [.done(sequence: 7)])
        #expect(
            frames("@\(Self.token) code 7 255 .\n@\(Self.token) code 8 lost .\n@\(Self.token) fed 9 2 .\n") == [
                .code(sequence: 7, 255), .code(sequence: 8, nil), .fed(sequence: 9, 2),
            ])
        #expect(frames("@\(Self.token) no base64 cksum .\n") == [.missing(["base64", "cksum"])])
        for text in [
            "@fedcba9876543210 code 1 0 .", "@\(Self.token) code 1 0", "@\(Self.token) code 1[  2.000000] x .",
            "@\(Self.token) code 1 0;reboot .", "@\(Self.token) code -1 0 .", "@\(Self.token) code 99999999999 0 .",
            "@\(Self.token) reboot 1 .", "@\(Self.token) .", "@\(Self.token) hello z c 0 .", "@ \(Self.token) bye .",
        ] {
            #expect(frames(text + "\n") == [], "\(text)")
        }
        // The echo of what was sent is no other text.
        #expect(items("\(Self.token) news 1 0 0 0 0 32 .\r\n") == [])
    }

    @Test func partsAmongMessagesOfTheKernel() {
        #expect(part("aGVsbG8=\r\n") == [hello])
        #expect(part("aGV[   12.345678] random: crng init done\r\nsbG8=\r\n") == [hello])
        #expect(part("\u{1b}[0maGVs\u{1b}\n\r\nbG8=\r\n") != [hello])
        #expect(part("aGVsbQ==\r\n") == [damaged])
        #expect(part("random crng init done\r\naGVsbG8=\r\n") == [damaged])
        #expect(part("") == [damaged])
        #expect(part("aGVs") == [damaged] || part("aGVs") == [])
        #expect(frames("\n@\(Self.token) check 3 \(Self.sum) .\n") == [])
        // The end of a part was lost; the next one counts.
        let begin = "\n@\(Self.token) data 3 out 1 0 .\n"
        #expect(frames("\(begin)aGV\(begin)aGVsbG8=\n@\(Self.token) check 3 \(Self.sum) .\n") == [hello])
        #expect(
            frames("\(begin)aGVsbG8=\n@\(Self.token) end 4 .\n@\(Self.token) check 3 \(Self.sum) .\n") == [
                .end(sequence: 4)
            ])
    }

    @Test func endlessOutputFillsNothing() {
        var frames = SerialFrames(token: Self.token)
        _ = frames.take("@\(Self.token) data 3 out 1 0 .\n".utf8)
        var count = 0
        for _ in 0..<200 { count += frames.take([UInt8](repeating: UInt8(ascii: "x"), count: 10_000)).count }
        #expect(count == 0)
        #expect(frames.take("\n@\(Self.token) check 3 1 .\n".utf8) == [.frame(damaged)])
    }

    @Test func hexadecimalWhereThereIsNoBase64() {
        let text = "@\(Self.token) hello o m 0 .\n@\(Self.token) data 3 out 1 0 .\n 68 65[  1.000000] x\n 6c 6c 6f\n"
        let end = "@\(Self.token) check 3 \(SerialChecksum.md5.of(Array("hello".utf8))) .\n"
        #expect(frames(text + end).last == hello)
        #expect(SerialEncoding.octets.lines(of: [0, 0x61, 0xff]) == ["\\000\\141\\377"])
        #expect(SerialEncoding.base64.lines(of: [UInt8](repeating: 0, count: 1000)).allSatisfy { $0.utf8.count <= 720 })
        #expect(SerialEncoding.octets.lines(of: [UInt8](repeating: 0, count: 1000)).allSatisfy { $0.utf8.count <= 720 })
    }

    @Test func whatIsTypedHoldsNoFrame() {
        var command = GuestCommand(["printf", "@\(Self.token) code 1 0 .\n", "\\ \u{e9}'"])
        command.input = .pieces
        command.directory = "/srv"
        let script = SerialScript(command, token: Self.token)
        for isOwnLogin in [true, false] {
            let opening = script.opening(isOwnLogin: isOwnLogin)
            #expect(opening.utf8.count < 1000 && !opening.contains(Self.token) && opening.hasPrefix(" "))
        }
        #expect(script.lines.last == "." && !script.lines.dropLast().contains("."))
        #expect(script.lines.allSatisfy { $0.utf8.count <= 800 && $0.utf8.allSatisfy { 0x20..<0x7f ~= $0 } })
        // Only as an argument, in quotes.
        #expect(frames(script.lines.joined(separator: "\n") + "\n") == [])
        command.user = "www"
        #expect(SerialScript(command, token: Self.token).lines.joined().contains("missing root"))
    }

    private func prompt(_ text: String) -> SerialPrompt {
        var progress = BootProgress()
        progress.take(text.utf8)
        return SerialPrompt(progress, vm: "vm", file: "/vms/vm/vm.params")
    }

    @Test func prompts() {
        for text in [
            "/ # ", "root@web:~# ", "\u{1b}[01;32mu@web\u{1b}[00m:~$ ", "web% ", "u@web ~> ", "(initramfs) ",
            "dracut:/# ",
            "You are in emergency mode.\nroot@web:~# ",
            // A message of the kernel hides it.
            "/ # [   12.345678] random: crng init done\r\n", "/ # [   12.345678] ran", "/ # [   12.",
            "/ # [    1.000000] one\r\n[    2.000000] two\r\n[    3.0",
        ] {
            #expect(prompt(text) == .shell, "\(text)")
        }
        for text in ["Debian GNU/Linux 12 web ttyS0\r\n\r\nweb login: ", "web login: [    9.000000] x\r\n"] {
            #expect(prompt(text) == .login, "\(text)")
        }
        for text in ["Password: ", "Passwort: ", "Mot de passe : ", "root's password:"] {
            #expect(prompt(text) == .password, "\(text)")
        }
        #expect(prompt("Give root password for maintenance\n(or press Control-D to continue): ") == .maintenance)
        for text in ["", "web login: root\r\n", "done\r\n", "[    1.000000] Linux"] {
            #expect(prompt(text) == .silent, "\(text)")
        }
        for text in ["Continue? ", "mysql> ", ">>> ", "Name: "] {
            guard case .other = prompt(text) else {
                Issue.record("\(text)")
                continue
            }
        }
        for text in [
            "grub> ", "grub rescue> ", "Shell> ", "[    1.000000] Kernel panic - not syncing: x\r\n",
            "[    9.000000] reboot: System halted\r\n",
        ] {
            guard case .deadEnd = prompt(text) else {
                Issue.record("\(text)")
                continue
            }
        }
    }
}
